"""The requests to Brave Search, field by field."""

from __future__ import annotations

import pytest

from octo.connectors.brave import Account, Brave
from octo.core.errors import Permanent
from octo.testing import check_connector
from tests.connectors.standins import KEY, BraveStandIn, Fault


async def test_the_request_to_brave():
    async with BraveStandIn().served() as server:
        settings = Account.model_validate({"apiKey": KEY, "baseURL": server.url})
        async with Brave.open(settings) as brave:
            await brave.search("two words", 7)

    (asked,) = server.asked
    assert asked.headers["x-subscription-token"] == KEY
    assert asked.query == [("q", "two words"), ("count", "7"), ("text_decorations", "false"), ("result_filter", "web")]


async def test_a_provider_that_finds_nothing():
    """Brave leaves `web` out then."""
    async with BraveStandIn().served() as server:
        server.fail(Fault(200, '{"type": "search"}'))
        settings = Account.model_validate({"apiKey": KEY, "baseURL": server.url})
        async with Brave.open(settings) as brave:
            assert await brave.search("x", 7) == []


async def test_a_wrong_key_is_refused_and_not_shown():
    async with BraveStandIn().served() as server:
        settings = Account.model_validate({"apiKey": "wrong-0123456789", "baseURL": server.url})
        async with Brave.open(settings) as brave:
            with pytest.raises(Permanent, match="The token is invalid") as caught:
                await brave.search("x", 7)

    assert "wrong-0123456789" not in str(caught.value)


async def test_it_keeps_the_promises_of_connectors():
    async with BraveStandIn().served() as server:
        await check_connector(Brave, {"apiKey": KEY, "baseURL": server.url})
