"""The recorder of a running service: active while traces are kept, or while a tap is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from time import perf_counter

from octo import expr
from octo.core.errors import Permanent, Transient
from octo.core.expressions import MESSAGE
from octo.core.log import fields
from octo.core.message import Message
from octo.engine.observe import NOBODY, Observer, Observers
from octo.expr import ExprError, Program, Scope
from octo.expr.errors import UNDECLARED_NAME
from octo.trace import codes
from octo.trace.encode import Encoded
from octo.trace.packed import records
from octo.trace.record import Record
from octo.trace.recorder import Recorder
from octo.trace.store import Store
from octo.trace.writer import Writer

log = logging.getLogger("octo.trace")

MOST_WAITING = 100
"""Traces that may wait for the reader of a tap, at most; a reader that is too slow misses some."""
MOST_TAPS = 8
"""Taps that may be open at once: each looks at every message."""
MOST_SPENT = 0.5
"""Seconds that the condition of a tap may take on the event loop altogether; then the tap ends."""
LOOK = 1.0
"""Seconds without a trace after which a tap checks whether its flow still exists."""

# Without `env`, because each generation has its own, and without `now`, which would be the time of the flow's end.
_SCOPE = Scope(parameters=("message",), variables=MESSAGE)


class Live:
    """Records the flows of a service while traces are kept or a tap is open.

    Invariant: without a writer, the service is observed by the recorder exactly while at least one tap is open.

    watch: makes the service use an observer (`Service.observe`).
    others: the observer that is used in any case.
    writer, store: where kept traces go, and where they are read again; both None to keep none, so that only taps
        record. sample, follows, whole_failures: see `Recorder`.
    """

    def __init__(
        self,
        watch: Callable[[Observer], Awaitable[None]],
        others: Observer = NOBODY,
        *,
        writer: Writer | None = None,
        store: Store | None = None,
        sample: float = 1.0,
        follows: bool = False,
        whole_failures: bool = False,
    ) -> None:
        self.store = store
        self.writer = writer
        self._watch = watch
        self._others = others
        if writer is None:
            self._recorder = Recorder(lambda trace: trace.clear(), sample=0.0)
        else:
            self._recorder = Recorder(
                writer.put, admit=writer.admit, sample=sample, follows=follows, whole_failures=whole_failures
            )
        self._looking = 0

    @property
    def observer(self) -> Observer:
        """The observer that the service must use now."""
        if self.writer is None and not self._looking:
            return self._others
        return Observers((self._others, self._recorder))

    @property
    def dropped(self) -> int:
        """How many traces could not be kept so far."""
        return 0 if self.writer is None else self.writer.dropped

    def tap(
        self, flow: str, when: str, take: int, goes_on: Callable[[], bool] = lambda: True
    ) -> AsyncGenerator[list[Record], None]:
        """The next `take` traces in which `flow` runs on a message for which `when` is true, as they happen.

        when: a CEL condition, or "" for every message. goes_on: whether the flow still exists; once it does not, the
        iterator ends. No message is paused. Recording ends with the iterator. Raises `Permanent` if `when` is not a
        condition, and `Transient` if too many taps are open; the iterator raises `Permanent` once the condition has
        cost too much.
        """
        program = condition(when)
        if self._looking >= MOST_TAPS:
            raise Transient(f"{MOST_TAPS} taps are open already; close one first", code=codes.TAPS)
        return self._tapped(flow, None if program is None else Frugal(program), take, goes_on)

    async def _tapped(
        self, flow: str, wanted: Frugal | None, take: int, goes_on: Callable[[], bool]
    ) -> AsyncGenerator[list[Record], None]:
        def lasts() -> bool:
            return goes_on() and not (wanted is not None and wanted.is_spent)

        queue: asyncio.Queue[Encoded] = asyncio.Queue(MOST_WAITING)
        leave = self._recorder.tap(flow, wanted, take, lambda trace: _offer(queue, trace))
        try:
            await self._look(1)
            # An operator must see it in the log, because the content of messages leaves the process.
            log.info("a tap on the flow is open", extra=fields(flow=flow, take=take))
            for _ in range(take):
                if (trace := await _next(queue, lasts)) is None:
                    break
                yield records(trace.data)
        finally:
            leave()
            await self._look(-1)
            log.info("the tap on the flow is closed", extra=fields(flow=flow))
        if wanted is not None and wanted.is_spent:
            raise Permanent("the condition costs too much; the tap was closed", code=codes.CONDITION)

    async def _look(self, more: int) -> None:
        before, self._looking = self._looking, self._looking + more
        if self.writer is None and bool(before) != bool(self._looking):
            await self._watch(self.observer)


class Frugal:
    """A condition that is no longer evaluated once it has taken `MOST_SPENT` seconds: messages wait for it."""

    def __init__(self, program: Program, clock: Callable[[], float] = perf_counter) -> None:
        self._condition = program.function
        self._clock = clock
        self._left = MOST_SPENT

    @property
    def is_spent(self) -> bool:
        return self._left <= 0

    def function(self, message: Message) -> object:
        """Return what the condition says of the message; False if it is spent."""
        if self.is_spent:
            return False
        began = self._clock()
        try:
            return self._condition(message)
        finally:
            self._left -= self._clock() - began


async def _next(queue: asyncio.Queue[Encoded], goes_on: Callable[[], bool]) -> Encoded | None:
    """The next trace; None if none comes and the flow is gone."""
    while True:
        try:
            async with asyncio.timeout(LOOK):
                return await queue.get()
        except TimeoutError:
            if not goes_on():
                return None


def _offer(queue: asyncio.Queue[Encoded], trace: Encoded) -> None:
    if not queue.full():
        queue.put_nowait(trace)


def condition(when: str) -> Program | None:
    """The compiled condition, None for every message. Raises `Permanent` if `when` is not a condition."""
    if not when.strip():
        return None
    try:
        program = expr.compile(when, _SCOPE)
    except ExprError as error:
        said = f"{error.message}; it may use {', '.join(MESSAGE)}" if error.code == UNDECLARED_NAME else error
        raise Permanent(f"`when`: {said}", code=codes.CONDITION) from error
    if program.kind not in ("bool", "dyn"):
        raise Permanent(f"`when` must be a condition, but this is always of kind {program.kind}", code=codes.CONDITION)
    return program
