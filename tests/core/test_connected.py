"""Who watches a connection is told of its end, and why it ended."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.connected import Connected
from octo.core.errors import Disconnected
from octo.testing.clock import virtual


@virtual()
async def test_who_watches_is_told_of_the_end():
    link = Connected("the broker at b:1883", "X-1")
    asyncio.get_running_loop().call_later(5, link.lose, "reset by peer")
    with pytest.raises(Disconnected, match="the broker at b:1883: reset by peer") as caught:
        await link.watch()
    assert (caught.value.code, asyncio.get_running_loop().time()) == ("X-1", 5)


async def test_the_first_reason_counts():
    link = Connected("b")
    assert not link.is_lost
    for reason in ("", "no answer", "the connector was closed"):
        link.lose(reason)
    assert link.is_lost
    assert str(link.gone) == "b: no answer"


async def test_an_end_without_a_reason_has_a_text():
    link = Connected("b")
    link.lose("")
    assert (str(link.gone), link.gone.code) == ("b: the connection was closed", Disconnected.code)
