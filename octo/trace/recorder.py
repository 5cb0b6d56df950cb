"""The recorder: an observer that keeps what every message did, and decides at its end whether that is worth keeping.

Of a message in the sample, or one that a caller records or somebody taps, references are kept while it runs
(`crossing`), and its trace is kept. Of the others a trace is kept when they fail: a brief one (`passing`), or a whole
one where that is worth the price of remembering every message (`whole_failures`). One-way calls are traces of their
own with the same id.

One recorder at a time: `octo.core.trace.current` names one span.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from octo.config.documents import FlowDoc
from octo.core.clock import of_loop
from octo.core.errors import Bug
from octo.core.flow import Drop, Failure, Outcome, Processor, Result
from octo.core.message import Message
from octo.core.trace import Span, current, parse
from octo.engine import deadline
from octo.engine.observe import Build, Observer
from octo.engine.step import Step
from octo.expr import Program
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
from octo.trace.tap import Tap
from octo.trace.unsampled import Outside, Passing, blamed, spanned

MOST_BLOCKS = 1000
"""Crossings of one trace that are recorded; further ones are counted."""

Keep = Callable[[Trace], None]


class Recorder(Observer):
    """See the module.

    keep: is given every trace that is kept, where the flow ends, so it must not wait; `Writer.put` does not.
    admit: is asked for every message of the sample that comes in: whether a trace of it would find room. If not, it is
        treated as one outside the sample, for what is going to be lost need not be remembered.
    sample: the share of messages to keep, 0.0 to 1.0; decided by trace id, so that all processes agree.
    whole_failures: whether failures outside the sample are kept whole.
    most_blocks: crossings of one trace to record.
    """

    def __init__(
        self,
        keep: Keep,
        *,
        admit: Callable[[], bool] | None = None,
        sample: float = 1.0,
        whole_failures: bool = False,
        most_blocks: int = MOST_BLOCKS,
    ) -> None:
        self._generation = 1
        self._keep = keep
        self._admit = admit
        self._share = share_of(sample)
        self._records_all = whole_failures or sample >= 1
        self._picks = not self._records_all
        self._most = most_blocks
        self._taps: tuple[Tap, ...] = ()
        self._steps: dict[str, Step] = {}
        self._masks: set[str] = set()

    def begin(self, generation: int) -> None:
        """Traces say which generation ran."""
        self._generation = generation

    def step(self, step: Step) -> Step:
        """The step, crossings of which are recorded."""
        self._steps[step.address] = step
        return step._replace(call=_recorded(step.call, Spot("", step), self._most))

    def flow(self, doc: FlowDoc, build: Build) -> Processor:
        """The flow twice: recorded, and as it is for messages outside the sample, which then pay nothing per block."""
        site = Spot(doc.name, None, frozenset(doc.mask), self._generation, clock(), self._share)
        self._masks.update(doc.mask)
        watched = build(self)
        plain = watched if self._records_all and self._admit is None else build(Outside())
        return self._traced(watched, plain, site)

    def tap(self, flow: str, when: Program | None, take: int, deliver: Callable[[Encoded], None]) -> Callable[[], None]:
        """Deliver the next `take` traces with a run of `flow`, sampled or not; the answer ends it before that.

        when: of the message that went into the flow. Where it fails or is no bool, it does not match.
        deliver: is called where the flow ends, so it must not wait.
        """
        tap = Tap(flow, when, take, deliver)
        self._taps = (*self._taps, tap)
        self._picks = False  # whoever looks is to see whole traces
        return lambda: self._untap(tap)

    def _untap(self, tap: Tap) -> None:
        self._taps = tuple(each for each in self._taps if each is not tap)
        self._picks = not (self._taps or self._records_all)

    # --- in the sample, or not -----------------------------------------------------------------------------------

    def _traced(self, watched: Processor, plain: Processor, site: Spot) -> Processor:
        """The flow: a trace of its own when nobody waits for it, else in its caller's; or outside the sample."""
        get, limit, admit = current.get, limit_of(self._share), self._admit
        whole, called = self._whole(watched, site), _recorded(watched, site, self._most)
        outside = self._outside(plain, site)
        refused = spanned(outside)  # the flows it calls are not to ask again

        def traced(message: Message) -> Result:
            above = get()
            if above.__class__ is Passing:
                if not above.is_over:
                    return outside(message)
                above = None
            if above is None:
                if self._picks and not (self._is_chosen(message) if message.traceparent else message.event_id < limit):
                    return outside(message)
                if admit is None or self._taps or admit():
                    return whole(message, None)
                return refused(message)
            return called(message) if not above.open[ENDED] else whole(message, above)  # type: ignore[attr-defined]

        return traced

    def _outside(self, process: Processor, site: Spot) -> Processor:
        """The flow for messages that are not recorded, unless they fail."""
        now, failed = clock(), partial(self._failed, site)

        def outside(message: Message) -> Result:
            began = now()
            try:
                result = process(message)
            except BaseException as error:
                failed(message, error, began)
                raise
            if result.__class__ is Message or result.__class__ is Drop:
                return result
            return later(result, message, began)  # type: ignore[arg-type]

        async def later(waiting: Awaitable[Outcome], message: Message, began: int) -> Outcome:
            try:
                return await waiting
            except BaseException as error:
                failed(message, error, began)
                raise

        return outside

    def _is_chosen(self, message: Message) -> bool:
        """Whether to record a message that another system sent: if that one does, or by its id."""
        parent = parse(message.traceparent)
        return (parent is not None and parent.sampled) or is_chosen(
            number_of(message.event_id, message.traceparent), self._share
        )

    def _whole(self, process: Processor, site: Spot) -> Callable[..., Result]:
        """The flow for messages that are recorded. `above` is the span of a one-way call."""
        enter, leave, now, wall, end = current.set, current.reset, clock(), wall_clock(), self._end

        def whole(message: Message, above: Span | None) -> Result:
            crossing: Crossing = [site, None, message, now(), None, 0]
            trace = Trace(crossing, wall())
            if above is not None or message.traceparent:
                _join(trace, above, message)
            token = enter(trace)
            try:
                result = process(message)
            except BaseException as error:
                crossing[AFTER] = broken(error, message, site)
                end(trace, crossing, now())
                raise
            finally:
                leave(token)
            if result.__class__ is Message or result.__class__ is Drop:
                crossing[AFTER] = result
                end(trace, crossing, now())
                return result
            return self._wait(result, message, trace)  # type: ignore[arg-type]

        return whole

    def _failed(self, site: Spot, message: Message, error: BaseException, began: int) -> None:
        """Keep what is known of a message outside the sample that failed."""
        failure, now = _failure(error, message, site), site.clock()
        end = _broken(failure, site)
        trace = Trace([site, None, message, began, end, now], wall_clock()() - (now - began))
        if message.traceparent and (parent := parse(message.traceparent)) is not None:
            trace.caller = parent.span_id
        # Through which flows it came was not remembered, so what any of them declares is masked.
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


def _join(trace: Trace, above: Span | None, message: Message) -> None:
    """Make it part of the trace it comes from: of a one-way call's, or of the system that sent the message."""
    parent = parse(message.traceparent) if message.traceparent else None
    if isinstance(above, OpenSpan):
        origin = above.trace
        trace.caller, trace.asked = origin.span(above.open), origin.asked
        trace.mask = origin.masks()
    elif parent is not None:
        trace.caller, trace.asked = parent.span_id, parent.sampled


def _recorded(call: Callable[[Message], Result], site: Spot, most: int) -> Callable[[Message], Result]:
    """The call, written down as a crossing of the trace under way."""
    get, now = current.get, clock()

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
        if result.__class__ is Message or result.__class__ is Drop:
            crossing[AFTER] = result
            crossing[ENDED] = now()
            return result
        return _waited(result, scope.trace, crossing, message)

    return recorded


def _waited(waiting: Any, trace: Trace, crossing: Crossing, message: Message) -> Result:
    if hasattr(waiting, "__await__"):
        return _wait(waiting, trace, crossing, message)
    _break(trace, crossing, Bug(f"it answered {type(waiting).__name__}, neither a message nor a drop"), message)
    return waiting  # type: ignore[no-any-return]  # the chain says so to the flow


async def _wait(waiting: Awaitable[Outcome], trace: Trace, crossing: Crossing, message: Message) -> Outcome:
    trace.waited = True
    token = current.set(Within(trace, crossing))
    try:
        outcome = crossing[AFTER] = await waiting
    except BaseException as error:
        _break(trace, crossing, error, message)
        raise
    finally:
        current.reset(token)
    crossing[ENDED] = trace.site.clock()
    return outcome


def _break(trace: Trace, crossing: Crossing, error: BaseException, message: Message) -> None:
    site: Spot = crossing[SITE]
    crossing[AFTER] = broken(error, message, site)
    crossing[ENDED] = trace.site.clock()
    if site.step is None:
        trace.broken = True


def broken(error: BaseException, message: Message, site: Spot) -> Broken:
    """What is kept of an error: no reference to it, because its traceback holds on to everything there was."""
    return _broken(_failure(error, message, site), site)


def _broken(failure: Failure | None, site: Spot) -> Broken:
    if failure is None:
        return Broken("cancelled")
    value = failure.as_value(site.flow)
    kept = {name: value[name] for name in ("message", "code", "type", "status", "path")}
    kept["at"] = None if failure.at is None else str(failure.at)
    return Broken("failed", {name: each for name, each in kept.items() if each is not None})


def _failure(error: BaseException, message: Message, site: Spot) -> Failure | None:
    """None for a cancellation, unless a deadline is behind it."""
    if isinstance(error, Failure):
        return error
    late = None if isinstance(error, Exception) else deadline.failure(site.flow, message)
    if late is not None and late.address:
        return late
    cause = error if late is None else late.cause  # an unknown address: the block that was waited for is this one
    if not isinstance(cause, Exception):
        return None
    if site.step is not None:
        return site.step.failed(cause, message)
    return Failure(cause, site.flow, site.flow, message)


def clock() -> Callable[[], int]:
    """What durations are measured with, in nanoseconds: the running loop's own time where it keeps one."""
    return of_loop() or time.perf_counter_ns


def wall_clock() -> Callable[[], int]:
    """What says when a trace began; `octo.core.clock` for this loop, and faster."""
    return of_loop() or time.time_ns
