"""The counter keeps the promises of a connector, and counts."""

from __future__ import annotations

import pytest
from octo_example.counter import Counter

from octo import Failure, Message
from octo.testing import check_connector, running, virtual

FLOW = """
connectors: [{name: tickets, type: counter, settings: {first: 7, last: 8}}]
flows:
  - name: next
    process: [{type: counter-next, settings: {connector: tickets, name: '"guests"'}}]
"""


@virtual()
async def test_it_is_a_good_connector() -> None:
    await check_connector(Counter, blocks={"counter-next": {"name": "body"}}, message="guests")


@virtual()
async def test_it_counts_to_its_end() -> None:
    async with running(FLOW, components=[Counter]) as app:
        for number in (7, 8):
            outcome = await app.call("next")
            assert isinstance(outcome, Message)
            assert outcome.body == number

        with pytest.raises(Failure, match="the counter 'guests' has passed 8"):
            await app.call("next")
