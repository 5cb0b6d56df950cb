"""The rest of a flow behind a block that runs it itself, once for each message that it makes of one (`split`).

Each of these messages is an invocation of the flow, with events, a permit and a trace of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from octo.core import budget, deadline, partial, trace
from octo.core.errors import OctoError
from octo.core.flow import Failure, Fenced, at_last
from octo.core.log import fields
from octo.core.message import Message
from octo.engine import elements
from octo.engine.burial import Unfit
from octo.engine.flow import Flow

log = logging.getLogger("octo.engine")

Around = AbstractAsyncContextManager[object]


class Tail:
    """See `octo.core.block.Tail`. The chain is that of `flow.tails`, so a flow that is compiled anew runs the new one.

    address: that of the block.
    """

    def __init__(self, flow: Flow, address: str) -> None:
        self.flow = flow
        self.address = address

    def group(self, *, abort: bool = False, buries: bool = False, is_worker: bool = True) -> Group:
        return Group(self, abort=abort, buries=buries, is_worker=is_worker)


class Group:
    """See `octo.core.block.Group`."""

    def __init__(self, tail: Tail, *, abort: bool, buries: bool, is_worker: bool) -> None:
        self._tail = tail
        self._abort = abort
        self._buries = buries
        self._is_worker = is_worker
        self._failure: Failure | None = None

    def check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def run(self, message: Message, around: Around | None = None) -> None:
        await asyncio.sleep(0)  # a long list must not stop the rest
        self.check()
        element, outside = _apart(message), nullcontext() if around is None else around
        if not self._is_worker:
            await self._in_line(element, outside)
        elif self._tail.flow.take():
            self._beside(element, outside)
        else:
            await self._in_place(element, outside)

    def _beside(self, message: Message, around: Around) -> None:
        """Run it in a task of its own, with the permit that was taken."""
        flow, used = self._tail.flow, Used()

        async def run() -> None:
            _leave(flow)
            async with _guarded(around, flow):
                used.permit = True
                await self._through(message, permit=True)

        task = flow.spawn(run())
        task.add_done_callback(lambda _: None if used.permit else flow.give_back())  # it may never have begun
        if (waiting := elements.current()) is not None:
            waiting.add(task)

    async def _in_place(self, message: Message, around: Around) -> None:
        """Run it under the permit of the caller, which waits."""
        flow = self._tail.flow

        async def run() -> None:
            trace.leave()
            budget.leave()
            # Its own time begins here. It is still cancelled with its caller, which holds the permit.
            deadline.leave()
            partial.leave()
            async with _guarded(around, flow):
                await self._through(message, permit=False)

        task = flow.spawn(run())
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
        self.check()

    async def _in_line(self, message: Message, around: Around) -> None:
        """Run it in a task that waits for a permit; return once it has one."""
        flow, begun = self._tail.flow, asyncio.Event()

        async def run() -> None:
            _leave(flow)
            async with _guarded(around, flow):
                await flow.stand_in_line()
                begun.set()
                await self._through(message, permit=True)

        flow.spawn(run()).add_done_callback(lambda _: begun.set())
        await begun.wait()

    async def _through(self, message: Message, *, permit: bool) -> None:
        flow, process = self._tail.flow, self._tail.flow.tails[self._tail.address]
        try:
            if permit:
                with flow.lending():
                    await at_last(flow.run(message, process=process))
            else:
                await at_last(flow.run(message, permit=False, process=process))
        except Failure as failure:  # reported by the flow
            self._failed(failure)
            if self._buries:
                await self._bury(message, failure)
        except Fenced:
            if (waiting := elements.current()) is not None:
                waiting.cut()

    async def _bury(self, message: Message, failure: Failure) -> None:
        burial = self._tail.flow.burial
        if burial is None or burial.grave is None:
            return
        try:
            await burial.bury(message, burial.letter(failure, str(failure)))
        except Unfit as unfit:
            burial.told(unfit, message)

    def _failed(self, failure: Failure) -> None:
        if self._abort:
            self._failure = self._failure or failure
            if (waiting := elements.current()) is not None:
                waiting.failed(failure)


class Used:
    """Whether the permit of a task was used: then it has been given back, or will be."""

    permit = False


def _apart(message: Message) -> Message:
    """The message with a trace of its own, which belongs to that of the message under way."""
    headers = trace.span_headers(message)
    parent = trace.with_tracestate(headers.get(trace.HEADER, ""), headers.get(trace.STATE, ""))
    return Message(message.body, message.vars, message.event_id, message.correlation_id, message.raw, parent)


def _leave(flow: Flow) -> None:
    trace.leave()
    flow.leave()


@asynccontextmanager
async def _guarded(around: Around, flow: Flow) -> AsyncIterator[None]:
    """What is around a message must not end more than that message."""
    try:
        async with around:
            yield
    except Exception as error:
        is_planned = isinstance(error, OctoError)
        about = fields(flow=flow.name, error=str(error) if is_planned else type(error).__name__)
        log.warning("what belongs to a message broke", extra=about, exc_info=None if is_planned else error)
