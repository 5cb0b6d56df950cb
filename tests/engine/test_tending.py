"""What blocks do besides messages runs while flows are fed, and is begun again when it breaks."""

from __future__ import annotations

import asyncio

from octo.core.block import block
from octo.core.errors import Transient
from octo.core.message import Message
from octo.core.settings import Settings
from octo.engine.tending import PAUSE
from octo.services.ports import KeyValue
from octo.testing import running
from octo.testing.clock import virtual

FLOW = "flows: [{name: f, process: [{type: tended, word: w}]}]"


class Word(Settings):
    word: str
    """A word."""


SEEN = []


async def tend(settings: Word, store: KeyValue, site) -> None:
    SEEN.append((settings.word, site.address, store is not None))
    try:
        if len(SEEN) == 1:
            raise Transient("not yet")
        await asyncio.Event().wait()
    finally:
        SEEN.append("left")


@block("tended", tending=tend)
def tended(settings: Word, message: Message, store: KeyValue) -> Message:
    """Tended."""
    del settings, store
    return message


@virtual()
async def test_it_runs_while_the_flow_is_fed(plugins, caplog):
    SEEN.clear()
    begun = ("w", "f.tended", True)
    async with running(FLOW, plugins, components=[tended]):
        await asyncio.sleep(PAUSE / 2)
        assert [begun, "left"] == SEEN
        await asyncio.sleep(PAUSE)
        assert [begun, "left", begun] == SEEN
    assert [begun, "left", begun, "left"] == SEEN
    assert "work besides messages broke, trying again" in caplog.messages
