"""Measures one flow: throughput, latency, time per block, and how many workers it needs.

Messages are passed to the flow in this process, so the flow is measured without a protocol in front of it. Block
times come from a second pass with watched blocks, so that watching does not slow down the first pass.
"""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from time import perf_counter, process_time

from octo.config.documents import Config
from octo.config.part import part, unfed
from octo.core.flow import Drop, Failure, Outcome, Result
from octo.core.message import Message
from octo.engine.connections import Connections
from octo.engine.events import Bus, FlowEvent
from octo.engine.flow import Flow
from octo.engine.generation import Generation
from octo.engine.observe import NOBODY, Observer
from octo.engine.step import Step
from octo.services.container import Services

LEVELS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Numbers of callers of the saturation curve, in order; the curve ends when more callers add no throughput."""

GAIN = 1.03
"""Throughput counts as higher only if it is higher by more than this factor."""

HEADROOM = 0.7
"""The share of its workers that a flow should keep busy at the planned rate."""

MOST_UNDER_WAY = 10_000
"""At most this many messages of a given rate may be under way; further ones are not sent, but counted."""

SLICE = 0.001
"""Seconds after which a caller whose messages never wait lets the other callers run."""


@dataclass(frozen=True)
class Plan:
    """What to measure. rate: messages per second. concurrency: callers. Without both: a saturation curve."""

    flow: str
    body: object
    vars: dict[str, object]
    rate: float | None
    seconds: float
    concurrency: int | None


@dataclass
class Window:
    """One load for some time. Times are milliseconds per message: `service` with a permit, `waiting` for a permit."""

    concurrency: int | None
    rate: float | None
    throughput: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    longest: float = 0.0
    waiting: float = 0.0
    service: float = 0.0
    cpu: float = 0.0
    completed: int = 0
    failed: int = 0
    dropped: int = 0
    unsent: int = 0


@dataclass
class BlockTime:
    """The time that a block took, including the blocks inside it and all waiting."""

    address: str
    label: str
    calls: int = 0
    seconds: float = 0.0


@dataclass
class Report:
    flow: str
    workers: int
    windows: list[Window] = field(default_factory=list)
    blocks: list[BlockTime] = field(default_factory=list)
    suggested: int = 1
    first_failure: str = ""

    @property
    def best(self) -> Window:
        return max(self.windows, key=lambda window: window.throughput)


async def measure(config: Config, plan: Plan) -> Report:
    """Load the flow as planned. Raises the error of a connector that does not open."""
    report = Report(plan.flow, config.flows[plan.flow].workers)
    try:
        async with Services() as services, asyncio.TaskGroup() as tasks:
            connections = Connections(tasks, services=services)
            await _pass(config, plan, report, connections, tasks, None)
            await _pass(config, plan, report, connections, tasks, Blocks())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    report.suggested = _suggested(report, plan)
    return report


async def _pass(
    config: Config,
    plan: Plan,
    report: Report,
    connections: Connections,
    tasks: asyncio.TaskGroup,
    blocks: Blocks | None,
) -> None:
    """Run one pass: without `blocks` it measures the windows, with `blocks` the time per block."""
    bus = Bus()
    needed = part(unfed(config, ()), [plan.flow])
    generation = Generation(needed, connections, bus, tasks, observer=blocks or NOBODY)
    await generation.open()
    try:
        load = Load(generation.flows[plan.flow], plan, bus)
        if blocks is None:
            report.windows = [window async for window in _curve(load, plan)]
            report.first_failure = load.first_failure
        else:
            await load.window(report.best.concurrency, plan.rate, max(0.05, plan.seconds / 10))
            report.blocks = blocks.slowest()
    finally:
        await generation.drain(5.0)


async def _curve(load: Load, plan: Plan) -> AsyncIterator[Window]:
    """Yield one window for a rate or a number of callers; else add callers until two steps in a row gain nothing."""
    if plan.rate is not None or plan.concurrency is not None:
        yield await load.window(plan.concurrency, plan.rate, plan.seconds)
        return
    best, flat = 0.0, 0
    for level in LEVELS:
        window = await load.window(level, None, plan.seconds / len(LEVELS))
        yield window
        flat = 0 if window.throughput > best * GAIN else flat + 1
        best = max(best, window.throughput)
        if flat == 2:
            return


class Load:
    """Sends messages to the flow and records how they end and how long they take."""

    def __init__(self, flow: Flow, plan: Plan, bus: Bus) -> None:
        self.flow = flow
        self.body = plan.body
        self.vars = plan.vars
        self.first_failure = ""
        self._window = Window(None, None)
        self._times: list[float] = []
        self._served = 0.0
        bus.subscribe(self._on_event)

    def _on_event(self, event: FlowEvent) -> None:
        if event.flow == self.flow.name:
            self._served += event.duration

    async def window(self, concurrency: int | None, rate: float | None, seconds: float) -> Window:
        window = self._window = Window(concurrency, rate)
        self._times, self._served = [], 0.0
        began, used = perf_counter(), process_time()
        await (self._scheduled(rate, seconds) if rate else self._closed(concurrency or 1, seconds))
        took, used = perf_counter() - began, process_time() - used
        times = sorted(self._times)
        count = max(1, len(times))
        window.throughput = len(times) / took
        window.p50, window.p95, window.p99, window.longest = (1000 * _share(times, at) for at in (0.5, 0.95, 0.99, 1.0))
        window.service = 1000 * self._served / count
        window.waiting = max(0.0, 1000 * sum(times) / count - window.service)
        window.cpu = 1000 * used / count
        return window

    async def _closed(self, concurrency: int, seconds: float) -> None:
        until = perf_counter() + seconds
        async with asyncio.TaskGroup() as callers:
            for _ in range(concurrency):
                callers.create_task(self._caller(until))

    async def _caller(self, until: float) -> None:
        slice_ends = 0.0
        while True:
            began = perf_counter()
            await self._one(began)
            now = perf_counter()
            if now >= until:
                return
            if now > slice_ends:
                await asyncio.sleep(0)
                slice_ends = perf_counter() + SLICE

    async def _scheduled(self, rate: float, seconds: float) -> None:
        """Send each message when it is due, even if earlier ones are late; its latency counts from that moment."""
        began, sent, under_way = perf_counter(), 0, set[object]()
        async with asyncio.TaskGroup() as group:
            while sent < max(1, round(rate * seconds)):
                while (due := began + sent / rate) <= perf_counter() and sent < max(1, round(rate * seconds)):
                    sent += 1
                    if len(under_way) >= MOST_UNDER_WAY:
                        self._window.unsent += 1
                        continue
                    task = group.create_task(self._one(due))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                await asyncio.sleep(max(0.0, min(0.001, due - perf_counter())))

    async def _one(self, due: float) -> None:
        try:
            result = self.flow.call(Message(self.body, self.vars))
            outcome = result if isinstance(result, Outcome) else await result
        except Failure as failure:
            self._window.failed += 1
            self.first_failure = self.first_failure or str(failure)
        else:
            self._count(outcome)
        self._times.append(perf_counter() - due)

    def _count(self, outcome: Outcome) -> None:
        if isinstance(outcome, Drop):
            self._window.dropped += 1
        else:
            self._window.completed += 1


class Blocks(Observer):
    """Time per block, by address."""

    def __init__(self) -> None:
        self._times: dict[str, BlockTime] = {}

    def step(self, step: Step) -> Step:
        """Return the step, with its time recorded."""
        time = self._times.setdefault(step.address, BlockTime(step.address, step.label))
        return step._replace(call=_timed(step.call, time))

    def slowest(self) -> list[BlockTime]:
        return sorted((each for each in self._times.values() if each.calls), key=lambda each: -each.seconds)


def _timed(call: Callable[[Message], Result], time: BlockTime) -> Callable[[Message], Result]:
    def timed(message: Message) -> Result:
        began = perf_counter()
        waits = False
        try:
            result = call(message)
            if not isinstance(result, Outcome) and inspect.isawaitable(result):
                waits = True
                return awaited(result, began)
            return result
        finally:
            if not waits:
                note(began)

    async def awaited(waiting: Awaitable[Outcome], began: float) -> Outcome:
        try:
            return await waiting
        finally:
            note(began)

    def note(began: float) -> None:
        time.calls += 1
        time.seconds += perf_counter() - began

    return timed


def _share(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def _suggested(report: Report, plan: Plan) -> int:
    """Little's law: messages under way = messages per second * seconds that each takes.

    For a rate, add headroom. Otherwise return as many workers as keep one core busy while some of them wait.
    """
    if plan.rate is not None:
        return max(1, math.ceil(plan.rate * report.windows[0].service / 1000 / HEADROOM))
    cpu = min(window.cpu for window in report.windows)
    return max(1, round(report.windows[0].service / cpu)) if cpu else 1
