"""Breakpoints and mocks in flows that run, set and removed while they do.

A message that comes to a breakpoint waits in front of the block until somebody lets it go on, as it is or changed. Its
deadline goes on meanwhile: whoever waits for an answer may give up.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Literal, NamedTuple

from octo.config.documents import Config
from octo.core import clock
from octo.core.errors import OctoError, Permanent
from octo.core.flow import Drop, Outcome, Result
from octo.core.message import FAMILY, Message
from octo.debug import codes, mocks
from octo.debug.addresses import AddressError, resolve
from octo.debug.mocks import Mock, MockError, mocked
from octo.engine.observe import Observer
from octo.engine.step import Step
from octo.expr import Program
from octo.trace.live import Frugal, condition

MOST_HELD = 100
"""Messages that wait at breakpoints, at most; further ones pass."""

Verb = Literal["continue", "step", "drop", "fail"]


class Held(NamedTuple):
    """A message that waits at a breakpoint. at: since when, in nanoseconds since the epoch."""

    id: str
    address: str
    message: Message
    at: int


class Order(NamedTuple):
    """What shall become of a message that waits. message: the one to go on with."""

    verb: Verb
    message: Message


class Session(Observer):
    """Breakpoints and mocks of one process. After `set`, flows must be compiled again (`Service.observe`)."""

    def __init__(self) -> None:
        self._breakpoints: dict[str, Frugal | None] = {}
        self._mocks: dict[str, tuple[str, Mock]] = {}
        self._held: dict[str, tuple[Held, asyncio.Future[Order]]] = {}
        self._stepping: set[str] = set()
        self._numbers = count(1)
        self._changed = asyncio.Event()

    def set(
        self, config: Config, breakpoints: Mapping[str, str], standins: Mapping[str, object]
    ) -> dict[str, OctoError | MockError]:
        """Replace all breakpoints and mocks. Return what is wrong with those that are not taken, by address.

        breakpoints: the condition of each, "" for every message. standins: what each mock is made of.
        """
        wrong: dict[str, OctoError | MockError] = {}
        conditions: dict[str, Frugal | None] = {}
        made: dict[str, tuple[str, Mock]] = {}
        for address, when in breakpoints.items():
            try:
                conditions[resolve(config, address).address] = _frugal(condition(when))
            except (AddressError, Permanent) as error:
                wrong[address] = error
        for address, spec in standins.items():
            try:
                made[resolve(config, address).address] = address, mocks.parse(spec, address, config.env)
            except (AddressError, MockError) as error:
                wrong[address] = error
        # Replaced as a whole: flows are compiled in another thread.
        self._breakpoints, self._mocks = conditions, made
        for held, _ in list(self._held.values()):
            if held.address not in conditions and held.message.event_id[:FAMILY] not in self._stepping:
                self.order(held.id, "continue")
        self._wake()
        return wrong

    @property
    def breakpoints(self) -> list[str]:
        return list(self._breakpoints)

    @property
    def mocks(self) -> list[str]:
        return list(self._mocks)

    @property
    def held(self) -> list[Held]:
        """The messages that wait, in the order in which they came."""
        return [held for held, _ in self._held.values()]

    @property
    def change(self) -> asyncio.Event:
        """Set with the next change: of breakpoints and mocks, or when a message begins or ceases to wait."""
        return self._changed

    def order(self, id: str, verb: Verb, message: Message | None = None) -> None:  # noqa: A002  the usual word
        """Let a message go on. message: the one to go on with, instead of it. Raises `Permanent` if it does not wait.

        `continue` to the next breakpoint, `step` to the next block, `drop` as if the block had dropped it, `fail` as if
        it had failed.
        """
        if id not in self._held:
            raise Permanent(f"no message waits under the number {id!r}", code=codes.NOT_HELD)
        held, future = self._held[id]
        if not future.done():
            future.set_result(Order(verb, held.message if message is None else message))

    def release(self) -> None:
        """Let all messages go on, and stop none any more."""
        self._breakpoints = {}
        self._stepping.clear()
        for held in self.held:
            self.order(held.id, "continue")

    # --- while flows are built -----------------------------------------------------------------------------------

    def step(self, step: Step) -> Step:
        if step.address in self._mocks:
            address, mock = self._mocks[step.address]
            step = mocked(step, mock, address)
        # Each block may be the next one of a message that goes on step by step.
        return step._replace(call=self._stopping(step.address, step.call)) if self._breakpoints else step

    def _stopping(self, address: str, call: Callable[[Message], Result]) -> Callable[[Message], Result]:
        def run(message: Message) -> Result:
            return self._wait(address, message, call) if self._stops(address, message) else call(message)

        return run

    def _stops(self, address: str, message: Message) -> bool:
        if len(self._held) >= MOST_HELD:
            return False
        family = message.event_id[:FAMILY]
        if family in self._stepping:
            self._stepping.discard(family)
            return True
        if address not in self._breakpoints:
            return False
        when = self._breakpoints[address]
        return when is None or _is_true(when, message)

    async def _wait(self, address: str, message: Message, call: Callable[[Message], Result]) -> Outcome:
        number = str(next(self._numbers))
        future: asyncio.Future[Order] = asyncio.get_running_loop().create_future()
        self._held[number] = Held(number, address, message, clock.now_ns()), future
        self._wake()
        try:
            order = await future
        finally:
            del self._held[number]
            self._wake()
        if order.verb == "drop":
            return Drop("at a breakpoint")
        if order.verb == "fail":
            raise Permanent("failed at a breakpoint", code=codes.FAILED)
        if order.verb == "step":
            if len(self._stepping) >= MOST_HELD:
                self._stepping.clear()  # of messages that have ended before another block
            self._stepping.add(message.event_id[:FAMILY])
        result = call(order.message)
        if not inspect.isawaitable(result):
            return result
        waiting: Awaitable[Outcome] = result
        return await waiting

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _frugal(program: Program | None) -> Frugal | None:
    return None if program is None else Frugal(program)


def _is_true(when: Frugal, message: Message) -> bool:
    try:
        return when.function(message) is True
    except Exception:  # noqa: BLE001  a condition that fails is not true, as that of a tap
        return False
