"""Which step of a message a block is: the same whenever the message comes again, another one in each turn of a loop.

Few blocks ask for it, so loops and calls of flows only note where they are. They do so for the time of each call, and
not while a block waits: its next moment may be in another task.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from octo.core.flow import Drop, Outcome, Result, Stop
from octo.core.message import Message
from octo.core.sockets import FlowRef, Steps, sockets

Way = tuple[int, Any] | tuple[str, str, str, Any] | None
"""How the current call came about, the last first: `(number, way)` in a turn of a loop, `(event, caller, address, way)`
in a flow that a block of another flow has called. The events are the ids of its message and of its caller's."""

_way: ContextVar[Way] = ContextVar("octo.way", default=None)


def matters(chain: Steps) -> bool:
    """Whether a block in the chain may ask which step it is: one that keeps something, or that calls a flow."""
    for block in chain.blocks:
        if block.type.services:
            return True
        for _, socket in sockets(block.settings):
            if isinstance(socket, FlowRef) or (isinstance(socket, Steps) and matters(socket)):
                return True
    return False


def turn(number: int, process: Callable[[Message], Result], message: Message) -> Result:
    """Run the chain as this turn of a loop."""
    return _run(process, message, (number, _way.get()))


def called(flow: Callable[[Message], Result], message: Message, caller: Message, address: str) -> Result:
    """Run a flow with a message that the block at the address has made of its own."""
    return _run(flow, message, (message.event_id, caller.event_id, address, _way.get()))


def step(message: Message, address: str) -> str:
    """What identifies the block at this address, in this turn of its loops, for this message."""
    event, steps, way = message.event_id, [address], _way.get()
    while way is not None:
        if len(way) == 2:
            number, way = way
            steps.append(str(number))
            continue
        callee, caller, block, way = way
        if callee != event:
            break  # the flow that was called has made this message
        event = caller
        steps.append(block)
    return "/".join([event, *reversed(steps)])


def _run(process: Callable[[Message], Result], message: Message, way: Way) -> Result:
    before = _way.get()
    _way.set(way)
    try:
        result = process(message)
    finally:
        _way.set(before)
    if result.__class__ is Message or result.__class__ is Drop or result.__class__ is Stop:
        return result
    return _go_on(result, way)  # type: ignore[arg-type]


async def _go_on(waiting: Awaitable[Outcome], way: Way) -> Outcome:
    before = _way.get()
    _way.set(way)
    try:
        return await waiting
    finally:
        _way.set(before)
