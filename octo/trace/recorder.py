"""The recorder: an observer that records what messages did, and decides at the end of each whether to keep its trace.

It records a message that is in the sample, that its caller records, or while a tap is open: it keeps references while
the message runs (`crossing`), and keeps the trace. Of other messages it keeps a trace only if they fail: a brief one
(`unsampled`), or, with `whole_failures`, a whole one, at the price of recording every message. One-way calls are
traces of their own with the same id.

Invariant: at most one recorder runs at a time, because `octo.core.trace.current` names one span.
Invariant: all of this runs in the thread of the flows, so it needs no lock. A kept trace leaves it in `Writer.put`.
Invariant: every `current.set` is undone by `reset` in the same call or coroutine, so a flow never sees the span of one
that ran before it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from octo.config.documents import FlowDoc
from octo.core import deadline
from octo.core.clock import of_loop
from octo.core.errors import Bug
from octo.core.flow import Drop, Failure, Outcome, Processor, Result, Stop
from octo.core.message import Message
from octo.core.trace import Span, current, parse
from octo.engine.observe import Build, Observer
from octo.engine.step import Step
from octo.trace.crossing import (
    AFTER,
    ENDED,
    SITE,
    Broken,
    Crossing,
    OpenSpan,
    Spot,
    Trace,
    Within,
    is_chosen,
    limit_of,
    number_of,
    share_of,
)
from octo.trace.encode import Encoded
from octo.trace.tap import Tap, When
from octo.trace.unsampled import Outside, Passing, blamed, spanned

MOST_BLOCKS = 1000
"""Crossings that a trace records, at most; further ones are counted."""

Keep = Callable[[Trace], None]


class Recorder(Observer):
    """See the module.

    keep: takes every trace that is kept. It is called where the flow ends, so it must not wait; `Writer.put` does not.
    admit: says for every message of the sample, when it comes in, whether there is room for its trace. If not, the
        message is treated as one outside the sample: its trace would be lost anyway.
    sample: the share of messages to keep, 0.0 to 1.0. The trace id decides, so that all processes agree.
    follows: whether to keep whatever a caller marks as sampled too, which lets callers decide how much is kept.
    whole_failures: whether failures outside the sample are kept whole.
    most_blocks: how many crossings of one trace to record, at most.
    """

    def __init__(
        self,
        keep: Keep,
        *,
        admit: Callable[[], bool] | None = None,
        sample: float = 1.0,
        follows: bool = False,
        whole_failures: bool = False,
        most_blocks: int = MOST_BLOCKS,
    ) -> None:
        self._generation = 1
        self._now, self._wall = clock(), wall_clock()
        self._keep = keep
        self._admit = admit
        self._share = share_of(sample)
        self._follows = follows
        self._records_all = whole_failures or sample >= 1
        self._picks = not self._records_all
        self._most = most_blocks
        self._taps: tuple[Tap, ...] = ()
        self._steps: dict[str, Step] = {}
        self._masks: set[str] = set()

    def begin(self, generation: int) -> None:
        """Note the generation, which traces name, and the clocks of the loop: flows are compiled beside it."""
        self._generation = generation
        self._now, self._wall = clock(), wall_clock()

    def step(self, step: Step) -> Step:
        """The step, with its crossings recorded."""
        self._steps[step.address] = step
        return step._replace(call=_recorded(step.call, Spot("", step), self._now, self._most))

    def flow(self, doc: FlowDoc, build: Build) -> Processor:
        """The flow, built twice: recorded, and plain. Messages outside the sample run the plain one, for free."""
        site = Spot(doc.name, None, frozenset(doc.mask), self._generation, self._now, self._share)
        self._masks.update(doc.mask)
        watched = build(self)
        plain = watched if self._records_all and self._admit is None else build(Outside())
        return self._traced(watched, plain, site)

    def tap(self, flow: str, when: When | None, take: int, deliver: Callable[[Encoded], None]) -> Callable[[], None]:
        """Deliver the next `take` traces in which `flow` runs, sampled or not. Calling the result ends the tap early.

        when: a condition on the message that went into the flow. If it fails or is not a bool, it does not match.
        deliver: is called where the flow ends, so it must not wait.
        """
        tap = Tap(flow, when, take, deliver)
        self._taps = (*self._taps, tap)
        self._picks = False  # a tap gets whole traces, so every message must be recorded
        return lambda: self._untap(tap)

    def _untap(self, tap: Tap) -> None:
        self._taps = tuple(each for each in self._taps if each is not tap)
        self._picks = not (self._taps or self._records_all)

    # --- in the sample, or not -----------------------------------------------------------------------------------

    def _traced(self, watched: Processor, plain: Processor, site: Spot) -> Processor:
        """The flow: in its caller's trace if the caller waits for it, else in a trace of its own, or unrecorded.

        Invariant: the decision is made once, where a message comes in; the flows that it calls follow it.
        """
        get, limit, admit, now = current.get, limit_of(self._share), self._admit, self._now
        whole, called = self._whole(watched, site), _recorded(watched, site, now, self._most)
        failed, later = partial(self._failed, site), self._later(site)
        refused = spanned(self._outside(plain, site))  # so that the flows it calls do not ask `admit` again

        def traced(message: Message) -> Result:
            above = get()
            if above is not None and above.__class__ is not Passing:
                return called(message) if not above.open[ENDED] else whole(message, above)  # type: ignore[attr-defined]
            if above is None or above.is_over:
                chosen = not self._picks or (
                    self._is_chosen(message) if message.traceparent else message.event_id < limit
                )
                if chosen:
                    return whole(message, None) if admit is None or self._taps or admit() else refused(message)
            # As `_outside` does, without a call: nearly every message comes this way.
            began = now()
            try:
                result = plain(message)
            except BaseException as error:
                failed(message, error, began)
                raise
            if result.__class__ is Message or result.__class__ is Drop or result.__class__ is Stop:
                return result
            return later(result, message, began)  # type: ignore[arg-type]

        return traced

    def _outside(self, process: Processor, site: Spot) -> Processor:
        """The flow for messages that are not recorded, unless they fail."""
        now, failed, later = self._now, partial(self._failed, site), self._later(site)

        def outside(message: Message) -> Result:
            began = now()
            try:
                result = process(message)
            except BaseException as error:
                failed(message, error, began)
                raise
            if result.__class__ is Message or result.__class__ is Drop or result.__class__ is Stop:
                return result
            return later(result, message, began)  # type: ignore[arg-type]

        return outside

    def _later(self, site: Spot) -> Callable[[Awaitable[Outcome], Message, int], Awaitable[Outcome]]:
        """What waits for a message that is not recorded."""

        async def later(waiting: Awaitable[Outcome], message: Message, began: int) -> Outcome:
            try:
                return await waiting
            except BaseException as error:
                self._failed(site, message, error, began)
                raise

        return later

    def _is_chosen(self, message: Message) -> bool:
        """Whether to record a message that another system sent: by its trace id, or if that system records it."""
        if is_chosen(number_of(message.event_id, message.traceparent), self._share):
            return True
        return self._follows and (parent := parse(message.traceparent)) is not None and parent.sampled

    def _whole(self, process: Processor, site: Spot) -> Callable[..., Result]:
        """The flow for messages that are recorded. `above` is the span that made a one-way call, or None."""
        enter, leave, now, wall, end = current.set, current.reset, self._now, self._wall, self._end
        follows = self._follows

        def whole(message: Message, above: Span | None) -> Result:
            crossing: Crossing = [site, None, message, now(), None, 0]
            trace = Trace(crossing, wall())
            if above is not None or message.traceparent:
                _join(trace, above, message, follows=follows)
            token = enter(trace)
            try:
                result = process(message)
            except BaseException as error:
                crossing[AFTER] = broken(error, message, site)
                end(trace, crossing, now())
                raise
            finally:
                leave(token)
            if result.__class__ is Message or result.__class__ is Drop or result.__class__ is Stop:
                crossing[AFTER] = result
                end(trace, crossing, now())
                return result
            return self._wait(result, message, trace)  # type: ignore[arg-type]

        return whole

    def _failed(self, site: Spot, message: Message, error: BaseException, began: int) -> None:
        """Keep a brief trace of a message outside the sample that failed."""
        failure, now = _failure(error, message, site), site.clock()
        end = _broken(failure, site)
        trace = Trace([site, None, message, began, end, now], wall_clock()() - (now - began))
        if message.traceparent and (parent := parse(message.traceparent)) is not None:
            trace.caller = parent.span_id
        # The flows that it came through were not recorded, so the declared fields of all flows are masked.
        trace.mask = frozenset(self._masks)
        trace.brief = True
        self._keep(trace if failure is None else blamed(trace, failure, self._steps))

    # --- what is recorded ----------------------------------------------------------------------------------------

    async def _wait(self, waiting: Awaitable[Outcome], message: Message, trace: Trace) -> Outcome:
        trace.waited = True
        crossing = trace.open
        token = current.set(trace)
        try:
            outcome = crossing[AFTER] = await waiting
        except BaseException as error:
            crossing[AFTER] = broken(error, message, trace.site)
            raise
        finally:
            current.reset(token)
            self._end(trace, crossing, trace.site.clock())
        return outcome

    def _end(self, trace: Trace, first: Crossing, moment: int) -> None:
        first[ENDED] = moment
        trace.is_over = True
        for tap in self._taps:
            if not tap.offer(trace):
                self._untap(tap)
        if trace.has_failed or trace.is_chosen:
            self._keep(trace)
        elif trace.waited:
            trace.clear()


def _join(trace: Trace, above: Span | None, message: Message, *, follows: bool) -> None:
    """Make the trace part of the one that it comes from: of a one-way call, or of the system that sent the message."""
    parent = parse(message.traceparent) if message.traceparent else None
    if isinstance(above, OpenSpan):
        origin = above.trace
        trace.caller, trace.asked = origin.span(above.open), origin.asked
        trace.mask = origin.masks()
    elif parent is not None:
        trace.caller, trace.asked = parent.span_id, follows and parent.sampled


def _recorded(
    call: Callable[[Message], Result], site: Spot, now: Callable[[], int], most: int
) -> Callable[[Message], Result]:
    """The call, recorded as a crossing of the running trace.

    Invariant: whether it returns, raises or waits, it restores `open` to what it was before.
    """
    get = current.get

    def recorded(message: Message) -> Result:
        scope: Any = get()
        if scope is None:
            return call(message)
        crossings = scope.crossings
        if len(crossings) >= most:
            scope.trace.more += 1
            return call(message)
        above = scope.open
        crossing = scope.open = [site, above, message, now(), None, 0]
        crossings.append(crossing)
        try:
            result = call(message)
        except BaseException as error:
            scope.open = above
            _break(scope.trace, crossing, error, message)
            raise
        scope.open = above
        if result.__class__ is Message or result.__class__ is Drop or result.__class__ is Stop:
            crossing[AFTER] = result
            crossing[ENDED] = now()
            return result
        return _waited(result, scope.trace, crossing, message)

    return recorded


def _waited(waiting: Any, trace: Trace, crossing: Crossing, message: Message) -> Result:
    if hasattr(waiting, "__await__"):
        return _wait(waiting, trace, crossing, message)
    return _nonsense(waiting, trace, crossing, message)  # type: ignore[no-any-return]


def _nonsense(given: Any, trace: Trace, crossing: Crossing, message: Message) -> Any:
    _break(trace, crossing, Bug(f"it returned {type(given).__name__}, neither a message nor a drop"), message)
    return given  # the chain raises the error


async def _wait(waiting: Awaitable[Any], trace: Trace, crossing: Crossing, message: Message) -> Outcome:
    trace.waited = True
    token = current.set(Within(trace, crossing))
    try:
        outcome = await waiting
    except BaseException as error:
        _break(trace, crossing, error, message)
        raise
    finally:
        current.reset(token)
    if not isinstance(outcome, Outcome):
        return _nonsense(outcome, trace, crossing, message)  # type: ignore[no-any-return]
    crossing[AFTER] = outcome
    crossing[ENDED] = trace.site.clock()
    return outcome


def _break(trace: Trace, crossing: Crossing, error: BaseException, message: Message) -> None:
    site: Spot = crossing[SITE]
    crossing[AFTER] = broken(error, message, site)
    crossing[ENDED] = trace.site.clock()
    if site.step is None:
        trace.broken = True


def broken(error: BaseException, message: Message, site: Spot) -> Broken:
    """What a trace keeps of an error: no reference to it, because its traceback keeps every local variable alive."""
    return _broken(_failure(error, message, site), site)


def _broken(failure: Failure | None, site: Spot) -> Broken:
    if failure is None:
        return Broken("cancelled")
    value = failure.as_value(site.flow)
    kept = {name: value[name] for name in ("message", "code", "type", "status", "path")}
    kept["at"] = None if failure.at is None else str(failure.at)
    return Broken("failed", {name: each for name, each in kept.items() if each is not None})


def _failure(error: BaseException, message: Message, site: Spot) -> Failure | None:
    """The error as a `Failure`; None for a cancellation, unless a deadline caused it."""
    if isinstance(error, Failure):
        return error
    late = None if isinstance(error, Exception) else deadline.failure(site.flow, message)
    if late is not None and late.address:
        return late
    cause = error if late is None else late.cause  # the deadline knows no block: this one was waited for
    if not isinstance(cause, Exception):
        return None
    if site.step is not None:
        return site.step.failed(cause, message)
    return Failure(cause, site.flow, site.flow, message)


def clock() -> Callable[[], int]:
    """The clock for durations, in nanoseconds: that of the running loop, if it has one."""
    return of_loop() or time.perf_counter_ns


def wall_clock() -> Callable[[], int]:
    """The clock for the beginning of a trace: `octo.core.clock` for this loop, and faster."""
    return of_loop() or time.time_ns
