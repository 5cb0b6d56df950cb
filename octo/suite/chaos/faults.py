"""The observer that injects a fault into one call to the outside, and records which calls were made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple, get_args

from octo.config.documents import Config
from octo.config.walk import blocks_of
from octo.core.errors import NotConnected, Timeout, Transient
from octo.core.flow import Outcome, Result, at_last
from octo.core.message import Message
from octo.core.settings import Effect, Effectful, Settings
from octo.engine.observe import Observer
from octo.engine.step import Step

Fault = Literal["fails", "times out", "is slow", "happens twice"]
"""fails: the call is not carried out and raises. times out: it is carried out, but no answer comes. is slow: the
answer comes late. happens twice: it is carried out twice, as when a proxy repeats a request."""

FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)

LATE: Final = 60.0
"""Seconds of virtual time that a slow or lost answer takes: longer than the default deadlines."""


class Made(NamedTuple):
    """A call to the outside. times: how often it was carried out. failed: whether it raised by itself."""

    address: str
    times: int
    failed: bool = False


class Injection(NamedTuple):
    """A fault for one call. call: its number, counted from 0 over the whole run."""

    call: int
    fault: Fault


class Faults(Observer):
    """Watches the blocks that call the outside. made: the calls of the run, in order."""

    def __init__(self, effects: Mapping[str, Effect], injection: Injection | None = None) -> None:
        self._effects = effects
        self._injection = injection
        self.made: list[Made] = []

    def step(self, step: Step) -> Step:
        return step._replace(call=self._watched(step)) if step.address in self._effects else step

    def _watched(self, step: Step) -> Callable[[Message], Result]:
        def run(message: Message) -> Result:
            index = len(self.made)
            self.made.append(Made(step.address, 0))
            if self._injection is None or self._injection.call != index:
                return self._carried_out(step, message, index)
            return self._wrong(step, message, index, self._injection.fault)

        return run

    async def _wrong(self, step: Step, message: Message, index: int, fault: Fault) -> Outcome:
        if fault == "fails":
            raise Transient("the call failed (injected)")
        outcome = await self._carried_out(step, message, index)
        if fault == "happens twice":
            return await self._carried_out(step, message, index)
        await asyncio.sleep(LATE)
        if fault == "times out":
            raise Timeout("no answer came (injected)")
        return outcome

    async def _carried_out(self, step: Step, message: Message, index: int) -> Outcome:
        """Run the block and count the call.

        A call counts as soon as it begins: when it is cancelled, nothing says how far it came. A call that fails
        counts too, because it may have been carried out; unless the connection was never made (`NotConnected`).
        """
        before = self.made[index]
        self.made[index] = before._replace(times=before.times + 1)
        try:
            return await at_last(step.call(message))
        except NotConnected:
            self.made[index] = before._replace(failed=True)
            raise
        except Exception:
            self.made[index] = self.made[index]._replace(failed=True)
            raise


def effects(config: Config) -> dict[str, Effect]:
    """The effect of each block that calls the outside, by its address."""
    blocks = (block for flow in config.flows.values() for block in blocks_of(flow))
    return {block.address: _effect(block.settings) for block in blocks if block.type.calls_outside}


def _effect(settings: Settings) -> Effect:
    return settings.effect if isinstance(settings, Effectful) else "once"
