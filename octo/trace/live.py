"""The recorder of a running service: there while traces are kept, or while somebody looks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable

from octo import expr
from octo.core.errors import Permanent
from octo.core.expressions import MESSAGE
from octo.core.log import fields
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
"""Traces that may wait for whoever taps; one who does not take them misses some."""
LOOK = 1.0
"""Seconds without a trace after which a tap looks whether there is still a flow to wait for."""

# Without `env`, which each generation has its own of, and `now`, which would be that of the flow's end.
_SCOPE = Scope(parameters=("message",), variables=MESSAGE)


class Live:
    """Watches the flows of a service as long as there is a reason to.

    watch: makes the service watch with an observer from the next message on (`Service.observe`).
    others: who watches in any case.
    writer, store: where kept traces go, and where they are read again; both None to keep none, so that only taps
        record. sample, whole_failures: see `Recorder`.
    """

    def __init__(
        self,
        watch: Callable[[Observer], None],
        others: Observer = NOBODY,
        *,
        writer: Writer | None = None,
        store: Store | None = None,
        sample: float = 1.0,
        whole_failures: bool = False,
    ) -> None:
        self.store = store
        self.writer = writer
        self._watch = watch
        self._others = others
        if writer is None:
            self._recorder = Recorder(lambda trace: trace.clear(), sample=0.0)
        else:
            self._recorder = Recorder(writer.put, admit=writer.admit, sample=sample, whole_failures=whole_failures)
        self._looking = 0

    @property
    def observer(self) -> Observer:
        """What the service is to watch with right now."""
        if self.writer is None and not self._looking:
            return self._others
        return Observers((self._others, self._recorder))

    @property
    def dropped(self) -> int:
        """Traces that were to be kept and could not be, so far."""
        return 0 if self.writer is None else self.writer.dropped

    def tap(
        self, flow: str, when: str, take: int, goes_on: Callable[[], bool] = lambda: True
    ) -> AsyncGenerator[list[Record], None]:
        """The next `take` traces with a run of `flow` whose input `when`, CEL or "", holds for, as they happen.

        Nothing is paused. Watching ends with the iterator, which has no more once the flow does not go on. Raises
        `Permanent` if `when` is no condition.
        """
        return self._tapped(flow, condition(when), take, goes_on)

    async def _tapped(
        self, flow: str, wanted: Program | None, take: int, goes_on: Callable[[], bool]
    ) -> AsyncGenerator[list[Record], None]:
        queue: asyncio.Queue[Encoded] = asyncio.Queue(MOST_WAITING)
        leave = self._recorder.tap(flow, wanted, take, lambda trace: _offer(queue, trace))
        self._look(1)
        log.info("messages are looked at", extra=fields(flow=flow, take=take))  # what they hold leaves the process
        try:
            for _ in range(take):
                if (trace := await _next(queue, goes_on)) is None:
                    return
                yield records(trace.data)
        finally:
            leave()
            self._look(-1)
            log.info("messages are looked at no longer", extra=fields(flow=flow))

    def _look(self, more: int) -> None:
        before, self._looking = self._looking, self._looking + more
        if self.writer is None and bool(before) != bool(self._looking):
            self._watch(self.observer)


async def _next(queue: asyncio.Queue[Encoded], goes_on: Callable[[], bool]) -> Encoded | None:
    """The next one; None once it looks as if there will be none."""
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
    """What `when` says, None for everything; raises `Permanent` if it is no condition."""
    if not when.strip():
        return None
    try:
        program = expr.compile(when, _SCOPE)
    except ExprError as error:
        said = f"{error.message}; it may use {', '.join(MESSAGE)}" if error.code == UNDECLARED_NAME else error
        raise Permanent(f"`when`: {said}", code=codes.CONDITION) from error
    if program.kind not in ("bool", "dyn"):
        raise Permanent(f"`when` must be a condition, this always is of kind {program.kind}", code=codes.CONDITION)
    return program
