"""Rehearsal: run letters through the flows as they are now, without calling any other system, to see what would happen.

A block of a connector passes its message on as it came, unless its connector is a stub. So what comes behind such a
block is a guess, and is said to be one. Services are new ones, in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from octo.config.documents import BlockDoc, Config
from octo.config.part import unfed, without_idle
from octo.config.walk import blocks_of
from octo.core.errors import OctoError
from octo.core.flow import Drop, Failure
from octo.core.message import Message
from octo.engine.burial import Burial
from octo.engine.observe import Observer
from octo.engine.step import Step
from octo.letters.places import Entry
from octo.letters.replay import Flows

_SILENT = frozenset(("log",))
"""Blocks that return their message as it came in any case."""


class Rehearsed(NamedTuple):
    """What would happen. kind: `completes`, `drops`, `fails` or `impossible`.

    reason, group: why it would fail, and the group that it would be in. called: the blocks whose call was left out.
    """

    kind: str
    reason: str = ""
    group: str = ""
    called: tuple[str, ...] = ()

    @property
    def is_sure(self) -> bool:
        """Whether no call was left out that could have changed it."""
        return not self.called


class Rehearsal(Observer):
    """Leaves out the calls to other systems. config: the configuration to open, without the connectors for them."""

    def __init__(self, config: Config) -> None:
        self._left_out = {each.address for each in _calling(config)}
        self.called: list[str] = []
        self.config = without_idle(unfed(config, ()), list(_calling(config)))

    def step(self, step: Step) -> Step:
        if step.address not in self._left_out:
            return step
        return step._replace(call=lambda message: self._pass(step, message), expressions=(), connector=None)

    def _pass(self, step: Step, message: Message) -> Message:
        if step.type not in _SILENT and step.address not in self.called:
            self.called.append(step.address)
        return message


def _calling(config: Config) -> Iterator[BlockDoc]:
    """The blocks that call another system."""
    for doc in config.flows.values():
        for block in blocks_of(doc):
            if block.connector is not None and config.connectors[block.connector].stub is None:
                yield block


async def rehearsed(entry: Entry, run: Flows, rehearsal: Rehearsal) -> Rehearsed:
    """Run the message of the letter."""
    rehearsal.called.clear()
    flow = entry.letter.flow
    try:
        outcome = await run.run(flow, entry.message())
    except Failure as failure:
        letter = Burial(flow, run.version).letter(failure, str(failure))
        return Rehearsed("fails", letter.reason, letter.fingerprint, tuple(rehearsal.called))
    except OctoError as error:
        return Rehearsed("impossible", str(error), "", tuple(rehearsal.called))
    return Rehearsed("drops" if isinstance(outcome, Drop) else "completes", called=tuple(rehearsal.called))
