"""The rest of a flow behind a block that runs it itself, once for each message that it makes of one (`split`).

Each of these messages is an invocation of the flow, with events, a permit and a trace of its own.
"""

from __future__ import annotations

import asyncio
from functools import partial

from octo.core import deadline, trace
from octo.core.flow import Failure, Processor
from octo.core.message import Message
from octo.core.partial import leave as leave_partial
from octo.engine import elements
from octo.engine.flow import Flow, at_last


class Tail:
    """See `octo.core.block.Tail`. process: the rest of the chain, with the flow's error chain; the build sets it."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.process: Processor

    def group(self, *, abort: bool = False) -> Group:
        return Group(self, abort=abort)


class Group:
    """See `octo.core.block.Group`."""

    def __init__(self, tail: Tail, *, abort: bool) -> None:
        self._tail = tail
        self._abort = abort
        self._failure: Failure | None = None

    def check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def run(self, message: Message) -> None:
        await asyncio.sleep(0)  # a long list must not stop the rest
        self.check()
        flow = self._tail.flow
        begun: list[Message] = []
        if flow.take():
            task = self._begin(message, begun, permit=True)
            task.add_done_callback(partial(self._over, begun))
            if (waiting := elements.current()) is not None:
                waiting.add(task)
            return
        task = self._begin(message, begun, permit=False)
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
        self.check()

    def _begin(self, message: Message, begun: list[Message], *, permit: bool) -> asyncio.Task[None]:
        headers = trace.span_headers(message)
        parent = trace.with_tracestate(headers.get(trace.HEADER, ""), headers.get(trace.STATE, ""))
        element = Message(message.body, message.vars, message.event_id, message.correlation_id, message.raw, parent)
        return self._tail.flow.spawn(self._run(element, begun, permit=permit))

    async def _run(self, message: Message, begun: list[Message], *, permit: bool) -> None:
        begun.append(message)
        trace.leave()
        flow, process = self._tail.flow, self._tail.process
        try:
            if not permit:
                # Its own time begins here. It is still cancelled with its caller, which holds the permit.
                deadline.leave()
                leave_partial()
                await at_last(flow.run(message, permit=False, process=process))
                return
            flow.leave()
            with flow.lending():
                await at_last(flow.run(message, process=process))
        except Failure as failure:  # reported by the flow
            self._failed(failure)

    def _failed(self, failure: Failure) -> None:
        if self._abort:
            self._failure = self._failure or failure
            if (waiting := elements.current()) is not None:
                waiting.failed(failure)

    def _over(self, begun: list[Message], _: asyncio.Task[None]) -> None:
        """Give back the permit of a task that was cancelled before it began."""
        if not begun:
            self._tail.flow.give_back()
