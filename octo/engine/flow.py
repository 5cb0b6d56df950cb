"""A running flow: permits, a bounded line, and exactly one terminal event for every message.

There are no worker tasks and no queue. A flow has `workers` permits; a message runs in its caller's task as soon as it
holds one. Calls that wait for a permit stand in a line, first come first served, so a flow with one worker keeps the
order. A message that finds a free permit, and only blocks that never wait, passes through as a plain call.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from octo.core import budget, current, deadline, held, partial
from octo.core.deadline import Deadline, Lift
from octo.core.errors import Bug, OctoError, Overloaded, Permanent
from octo.core.flow import Drop, Ending, Failure, Halt, Outcome, Processor, Result, Stop, at_last, ending
from octo.core.language import Durability
from octo.core.log import fields
from octo.core.message import Message
from octo.core.partial import Receiver
from octo.engine import elements
from octo.engine.burial import Burial
from octo.engine.deadlock import Permit, awaiting, is_endless
from octo.engine.events import Bus
from octo.engine.journal.holding import Held, holding
from octo.engine.journal.journal import Journal
from octo.engine.journal.run import Run, current as frames
from octo.engine.moving import Moving
from octo.engine.pool import Pool
from octo.expr import ExprError

log = logging.getLogger("octo.engine")

MOST_NESTED_CALLS = 100
"""A flow may call itself at most this many levels deep: a recursion without an end must not exhaust the stack."""

_NONE: Mapping[Flow, tuple[Permit, int]] = MappingProxyType({})

_held: contextvars.ContextVar[Mapping[Flow, tuple[Permit, int]]] = contextvars.ContextVar("held", default=_NONE)
"""The permits of recursive flows that the current call runs under, and how deep it is in each flow."""


class Flow:
    """See the module; to other flows it is a `Callee`.

    process: runs each message; compiled by `octo.engine.build`. recursive: whether the flow can call itself.
    burial: what becomes of messages that fail for good; None while no source feeds the configuration.
    durability: what of its messages outlives the process. journal: where they are kept, moving: what hands them over;
    None without one.
    spawn: runs work in a task that a stop waits for. pool: limits its concurrent branches. lent: the permits in use, if
    the flow is recursive. tails: the rest of the flow behind blocks that run it themselves, by address of the block.
    tended: what its blocks do besides messages.

    Invariants:
    - `_free` plus the permits in use is `workers`.
    - A permit is given back exactly once, by `_pass_on`: when its message ends (`_end`), or when its call is cancelled
      in the moment in which it gets the permit (`stand_in_line`).
    - `_coming` counts the messages that were sent and have not begun; with the line they are at most `buffer`, besides
      those that will find a free permit.
    - `_tasks` counts, per task, the messages of this flow that wait in it; `cancel` cancels these tasks.
    """

    def __init__(
        self,
        name: str,
        *,
        workers: int,
        buffer: int,
        bus: Bus,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        description: str = "",
        input: Mapping[str, object] | None = None,  # noqa: A002  the language's own word
    ) -> None:
        self.name = name
        self.title = f'flow "{name}"'
        self.description = description
        self.input = input
        self.workers = workers
        self.buffer = buffer
        self.process: Processor
        self.pool: Pool
        self.recursive = False
        self.burial: Burial | None = None
        self.journal: Journal | None = None
        self.moving: Moving | None = None
        self.durability: Durability = "ack"
        self.lent: set[Permit] = set()
        self.spawn = spawn
        self.tails: dict[str, Processor] = {}
        self.tended: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._bus = bus
        self._free = workers
        self._coming = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._room: deque[asyncio.Future[None]] = deque()
        self._tasks: dict[asyncio.Task[object], int] = {}
        self._idle: asyncio.Event | None = None
        self._pace = 0.0

    # --- for callers ---------------------------------------------------------------------------------------------

    def call(self, message: Message) -> Result:
        """Run the message in the caller's task. Raises `Failure` when it fails."""
        if self.recursive:
            return self._call_again(message)
        if self.take():
            return self.run(message)
        return self._call_later(message)

    async def send(self, message: Message) -> None:
        """Wait while the line is full, then run the message in a task of its own.

        It gives other tasks their turn: a flow that sends in a loop, or that sends to itself, must not stop the rest.
        """
        await asyncio.sleep(0)
        if self.is_full:
            with self._waiting():
                await self.room()
        self._coming += 1
        run = await self._accepted(message)
        self.spawn(self._sent(message, run))  # last: the message begins after the block that sent it has ended

    async def _accepted(self, message: Message) -> Run | None:
        """The run of a message that was sent, once it is safe; None without a journal."""
        try:
            return None if self.journal is None else await self.journal.accepted(self.name, message)
        except BaseException:
            self._coming -= 1
            self._wake_room()
            raise

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """A context in which the current call waits for this flow. Raises `Overloaded` if that would never end."""
        held = [permit for permit, _ in _held.get().values()]
        if held and is_endless(self, held):
            raise Overloaded(
                f'flow "{self.name}" is full, and every message in it waits for a flow that waits for "{self.name}"',
                code="OCTO-R112",
            )
        with awaiting(self, held):
            yield

    async def room(self) -> None:
        """Return once another message may join the line."""
        while self.is_full:
            place = asyncio.get_running_loop().create_future()
            self._room.append(place)
            try:
                await place
            except asyncio.CancelledError:
                if not place.cancelled():
                    self._wake_room()  # the room came in the same moment as the cancellation
                raise

    @property
    def is_full(self) -> bool:
        return self._coming + len(self._line) >= self._free + self.buffer

    @property
    def has_free(self) -> bool:
        """Whether a permit is free."""
        return self._free > 0

    @property
    def in_flight(self) -> int:
        """How many messages hold a permit."""
        return self.workers - self._free

    @property
    def waiting(self) -> int:
        """How many messages stand in line."""
        return len(self._line)

    def wait_estimate(self) -> float:
        """Estimate the seconds that one more message would stand in line, from the pace of the last messages.

        0.0 before the first message has ended.
        """
        return self._pace * (len(self._line) + 1) / self.workers

    def refusal(self, text: str, wait: float) -> Overloaded:
        """Count a message that there is no room for, and return what its caller gets."""
        self._bus.refused(self.name)
        return Overloaded(text, retry_after=max(1.0, wait))

    # --- permits -------------------------------------------------------------------------------------------------

    def take(self) -> bool:
        """Take a permit if one is free. After True the caller must call `run`, which gives it back."""
        if self._free == 0:
            return False
        self._free -= 1
        return True

    async def stand_in_line(self) -> None:
        """Wait for a permit. The caller must then call `run`, which gives it back."""
        if self.take():
            return  # it came free since the caller looked: a coroutine begins later than it is created
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # the permit came in the same moment as the cancellation
            else:
                with contextlib.suppress(ValueError):  # `_pass_on` may have skipped the cancelled turn already
                    self._line.remove(turn)
                self._wake_room()
            raise

    def _pass_on(self) -> None:
        """Give the permit to the next call in line; if there is none, free it."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                self._wake_room()
                return
        self._free += 1
        self._wake_room()
        if self._idle is not None and self._free == self.workers:
            self._idle.set()
            self._idle = None

    def _wake_room(self) -> None:
        while self._room:
            place = self._room.popleft()
            if not place.done():
                place.set_result(None)
                return

    # --- one message ---------------------------------------------------------------------------------------------

    def run(self, message: Message, *, permit: bool = True, process: Processor | None = None) -> Result:
        """Run the message with the permit that the caller took; without `permit` it runs under an ancestor's permit.

        process: what it runs through instead of the whole flow; see `octo.engine.tail`.
        """
        began = time.perf_counter()
        self._bus.started(self.name, message)
        token = current.message.set(message)
        try:
            result = (process or self.process)(message)
        except BaseException as error:
            self._end(message, error, began, permit)
            raise
        finally:
            current.message.reset(token)
        if result.__class__ is Message or result.__class__ is Drop or result.__class__ is Stop:
            self._end(message, result, began, permit)
            return result
        return self._run_on(result, message, began, permit)  # type: ignore[arg-type]

    async def _run_on(self, waiting: Awaitable[Outcome], message: Message, began: float, permit: bool) -> Outcome:
        task = asyncio.current_task()
        assert task is not None
        self._tasks[task] = self._tasks.get(task, 0) + 1
        token = current.message.set(message)
        outcome: Outcome | BaseException = Bug("the flow ended without an outcome")
        try:
            outcome = await waiting
        except asyncio.CancelledError as error:
            outcome = deadline.failure(self.name, message) or error
            raise
        except BaseException as error:
            outcome = error
            raise
        finally:
            self._forget(task)
            self._end(message, outcome, began, permit)
            current.message.reset(token)
            if isinstance(outcome, BaseException):
                del outcome  # its traceback refers to this frame, and full collections of such circles hardly ever run
        return outcome

    def _forget(self, task: asyncio.Task[object]) -> None:
        self._tasks[task] -= 1
        if not self._tasks[task]:
            del self._tasks[task]

    def _end(self, message: Message, outcome: Outcome | BaseException, began: float, permit: bool) -> None:
        duration = time.perf_counter() - began
        self._pace += (duration - self._pace) * 0.1
        if permit:
            self._pass_on()
        self._bus.ended(self.name, message, outcome, duration)
        if isinstance(outcome, BaseException) and not isinstance(outcome, Halt):
            self._report(message, outcome)

    def _report(self, message: Message, error: BaseException) -> None:
        about: dict[str, object] = {
            "flow": self.name,
            "event_id": message.event_id,
            "correlation_id": message.correlation_id,
        }
        if not isinstance(error, Failure):
            log.warning("flow was cancelled", extra=fields(**about))
            return
        told = error.told
        code = error.as_value(self.name)["code"]
        if len(told) > 1:  # its error chain failed too
            cause = told[0].as_value(self.name)["code"]
            about |= {"cause_code": cause, "cause_path": told[0].address, "cause_at": str(told[0].at or "")}
        log.error(
            "flow failed",
            extra=fields(**about, code=code, path=error.address, at=str(error.at or ""), error=str(error)),
            exc_info=next((each.cause for each in told if not _is_planned(each.cause)), None),
        )

    # --- calls that wait -----------------------------------------------------------------------------------------

    async def _call_later(self, message: Message) -> Outcome:
        await self.stand_in_line()
        return await at_last(self.run(message))

    async def _sent(self, message: Message, run: Run | None) -> None:
        self._coming -= 1
        elements.leave()
        frames.set(None)
        self.leave()
        with holding(self.name, redelivers=False, run=run) as held, self.under_way(held):
            try:
                await at_last(self.call(message))
            except Failure as failure:  # reported by the flow; nobody waits for a one-way message
                if self.burial is not None:
                    await self.burial.keep(message, failure)
            except asyncio.CancelledError:
                held.left()
                raise
        await held.over()

    def under_way(self, held: Held) -> contextlib.AbstractContextManager[None]:
        """A context in which the current task works on a message for which nobody waits: see `Moving.hand_over`."""
        return contextlib.nullcontext() if self.moving is None else self.moving.under_way(self.name, held)

    @staticmethod
    def leave() -> None:
        """From now on this task does not run under its caller's permits, and no caller waits for it."""
        _held.set(_NONE)
        held.leave()
        budget.leave()
        deadline.leave()
        partial.leave()

    def give_back(self) -> None:
        """Give back a permit that was taken and not used: `run` was not called."""
        self._pass_on()

    async def _call_again(self, message: Message) -> Outcome:
        """Call a flow that may already be running further up in this very call.

        Then the message runs under the permit that its ancestor holds: waiting for another permit could mean waiting
        for itself.
        """
        permit, depth = _held.get().get(self, (None, 0))
        if permit is None:
            with self._waiting():
                await self.stand_in_line()
            with self.lending():
                return await at_last(self.run(message))
        if depth >= MOST_NESTED_CALLS:
            raise Permanent(f'flow "{self.name}" called itself more than {MOST_NESTED_CALLS} times', code="OCTO-R111")
        token = _held.set({**_held.get(), self: (permit, depth + 1)})
        try:
            return await at_last(self.run(message, permit=False))
        finally:
            _held.reset(token)

    @contextlib.contextmanager
    def lending(self) -> Iterator[None]:
        """A context in which the current call runs under the permit that it just took."""
        permit = Permit()
        self.lent.add(permit)
        token = _held.set({**_held.get(), self: (permit, 1)})
        try:
            yield
        finally:
            _held.reset(token)
            self.lent.discard(permit)

    # --- the end -------------------------------------------------------------------------------------------------

    async def drained(self) -> None:
        """Return once no message is in flight or in line."""
        if self._free < self.workers:
            self._idle = self._idle or asyncio.Event()
            await self._idle.wait()

    def cancel(self) -> int:
        """Cancel what is still in flight or in line; return how many messages that were."""
        left = len(self._tasks) + len(self._line)
        for task in list(self._tasks):
            task.cancel()
        for turn in list(self._line):
            turn.cancel()
        return left


def _is_planned(error: Exception) -> bool:
    """Whether the text of an error says enough, so that its traceback is of no use."""
    return isinstance(error, OctoError | ExprError) and not isinstance(error, Bug)


def only_message(given: object, flow: str) -> None:
    """Refuse what a source in the making hands over, before a permit is taken that nobody would give back."""
    if not isinstance(given, Message):
        raise TypeError(f'flow "{flow}" takes a `Message`, not {type(given).__name__}: give it `Message(body)`')


class FlowInlet:
    """A flow as its push source sees it (`octo.core.source.Inlet`)."""

    def __init__(self, flow: Flow, connector: str = "", service: str = "") -> None:
        self._flow = flow
        self.flow = flow.name
        self.connector = connector
        self.service = service
        self.description = flow.description
        self.input = flow.input

    def call(
        self,
        message: Message,
        timeout: float | None = None,
        partial: Receiver | None = None,
        lift: Lift | None = None,
    ) -> Ending | Awaitable[Ending]:
        """See `octo.core.source.Inlet.call`."""
        only_message(message, self.flow)
        if partial is not None:
            return self._stream(message, timeout, partial, lift)
        flow = self._flow
        if flow.recursive or not flow.take():
            if timeout is not None and flow.is_full:
                raise self._full()  # here already, so that a refusal costs no task
            return self._wait(message, timeout, lift)
        result = flow.run(message)
        if result.__class__ is Message or result.__class__ is Drop:
            return result
        if result.__class__ is Stop:
            return result.message
        waiting: Awaitable[Outcome] = result  # type: ignore[assignment]
        return Deadline(flow.title, timeout, lift=lift).of(waiting, is_last=True)

    async def _stream(self, message: Message, timeout: float | None, receiver: Receiver, lift: Lift | None) -> Ending:
        with partial.receiving(receiver):
            result = self.call(message, timeout, lift=lift)
            return result if isinstance(result, Ending) else await result

    async def _wait(self, message: Message, timeout: float | None, lift: Lift | None) -> Ending:
        """Stand in line within the deadline. A full line refuses a message that has one; others wait for room."""
        flow = self._flow
        if timeout is None:
            await flow.room()
        elif flow.is_full:
            raise self._full()
        estimate = flow.wait_estimate()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(timeout) as scope:
                await flow.stand_in_line()
        except TimeoutError:
            if not scope.expired():
                raise
            raise flow.refusal(f'flow "{self.flow}" has no free worker before the deadline', estimate) from None
        left = None if timeout is None else max(0.0, timeout - (loop.time() - began))
        with flow.lending():
            result = flow.run(message)
            if isinstance(result, Outcome):
                return ending(result)
            return await Deadline(flow.title, left, lift=lift).of(result, is_last=True)

    def _full(self) -> Overloaded:
        flow = self._flow
        text = f'flow "{self.flow}" is full: {flow.workers} messages are worked on, and {flow.waiting} stand in line'
        return flow.refusal(text, flow.wait_estimate())
