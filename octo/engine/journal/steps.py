"""What a block is in a run: a step that is left out if it had finished before, and noted when it finishes."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

from octo.core import idempotency
from octo.core.flow import Fenced, Outcome
from octo.core.message import Message
from octo.engine import elements
from octo.engine.journal.run import Frame, Run, current

Kind = Literal["computes", "acts", "acts alone", "runs chains", "calls makers", "makes messages"]
"""What a block does. computes: nothing that anybody else sees, so that it may run again. acts: it may have an effect,
or takes its time. acts alone: so may what is inside of it, which is not noted. runs chains: what is inside of it
counts. makes messages: it has finished when they have. calls makers: it calls flows in which a block makes messages."""
Call = Callable[[Message], Any]


def noted(kind: Kind, call: Call, address: str) -> Call:
    """The call of a block, as a step of the run in which it is made, if any. address: of the block."""
    return _NOTED[kind](call, address)


def _computing(call: Call, address: str, *, runs_chains: bool = False) -> Call:
    """A step that has no effect of its own: what it made is written with what comes next.

    One that waits, such as `delay`, waits once all before it is safe. One that runs chains leaves that to what is in
    them.
    """

    def computed(message: Message, frame: Frame) -> Any:
        frame.begin(address)
        result = call(message)
        if isinstance(result, Outcome):
            frame.passed(address, result)
            return result
        return later(result, frame) if inspect.isawaitable(result) else result

    async def later(waiting: Awaitable[Any], frame: Frame) -> Any:
        if runs_chains:
            outcome = await waiting
        else:
            await _safe(frame)
            with _acting_in(frame.run):
                outcome = await waiting
        if isinstance(outcome, Outcome):
            frame.passed(address, outcome)
        return outcome

    return _unless_done(call, address, computed)


@contextmanager
def _acting_in(run: Run) -> Iterator[None]:
    run.acting += 1
    try:
        yield
    finally:
        run.acting -= 1


async def _safe(frame: Frame) -> None:
    """Return once all that has finished is written, and the run still belongs to this process."""
    await frame.run.written()
    frame.run.check()
    frame.acts()


def _acting(call: Call, address: str) -> Call:
    """A step that may have an effect: it begins once all before it is safe, and with a key that stays the same."""

    async def acted(message: Message, frame: Frame) -> Any:
        await _safe(frame)
        run = frame.run
        token = idempotency.enter(idempotency.key_of(run.id, f"{frame.place}/{address}"))
        try:
            with _acting_in(run):
                result = call(message)
                outcome = await result if inspect.isawaitable(result) else result
        finally:
            idempotency.leave(token)
        if isinstance(outcome, Outcome):
            frame.passed(address, outcome)
        if run.acting:  # what goes on beside it may take long
            await run.written()
        return outcome

    return _unless_done(call, address, acted)


def _alone(call: Call, address: str) -> Call:
    """A step that acts, with what is inside of it: none of that is noted, and none of it has the key of the whole."""

    async def outside(message: Message) -> Any:
        tokens = current.set(None), idempotency.enter("")
        try:
            result = call(message)
            return await result if inspect.isawaitable(result) else result
        finally:
            current.reset(tokens[0])
            idempotency.leave(tokens[1])

    return _acting(outside, address)


def _calling(call: Call, address: str) -> Call:
    """A step that calls flows in which messages are made: it has finished when these have ended, too."""

    async def called(message: Message, frame: Frame) -> Any:
        frame.begin(address)
        outer = elements.current()
        made = elements.gather(outer)
        try:
            result = call(message)
            outcome = await result if inspect.isawaitable(result) else result
        finally:
            elements.resume(outer)
        await made.ended()
        if made.is_cut:
            raise Fenced("a message that was made of this one was cut off")
        await made.finished()
        if isinstance(outcome, Outcome):
            frame.passed(address, outcome)
        return outcome

    return _unless_done(call, address, called)


def _making(call: Call, address: str) -> Call:
    """A step that makes messages: it begins again after a crash, and they go on where they were."""

    def step(message: Message) -> Any:
        if (frame := current.get()) is not None:
            frame.begin(address)
        return call(message)

    return step


def _unless_done(call: Call, address: str, done: Callable[[Message, Frame], Any]) -> Call:
    """What a run has done before is not done again; outside of runs there is only the call."""

    def step(message: Message) -> Any:
        frame = current.get()
        if frame is None:
            return call(message)
        before = frame.skip(address, message)
        return done(message, frame) if before is None else before

    return step


_NOTED: Mapping[Kind, Callable[[Call, str], Call]] = {
    "acts": _acting,
    "acts alone": _alone,
    "calls makers": _calling,
    "computes": _computing,
    "makes messages": _making,
    "runs chains": partial(_computing, runs_chains=True),
}
