"""`octo bench`: how fast one flow is, where its time goes, and how many workers it wants. Nothing is served.

Messages are handed to the flow in this process, so what is measured is the flow, not a protocol in front of it. Block
times come from a second pass with watched blocks, so that watching does not slow down what the first pass counts.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import click

from octo.cli import exits
from octo.cli.invoke import read_body, read_object
from octo.cli.project import config_option, config_path, load_or_exit, refuse
from octo.config.documents import Config
from octo.core.errors import OctoError
from octo.core.flow import Drop, Failure, Outcome, Result
from octo.core.message import Message

if TYPE_CHECKING:
    from octo.engine.chain import Step
    from octo.engine.connections import Connections
    from octo.engine.events import Bus, FlowEvent
    from octo.engine.flow import Flow

LEVELS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Callers of the saturation curve, one after the other; it ends when more callers get no more done."""

GAIN = 1.03
"""Less than this much more throughput is none."""

HEADROOM = 0.7
"""The share of its workers that a flow should keep busy at the rate it is meant for."""

MOST_UNDER_WAY = 10_000
"""Messages of the open model that may be under way; what is due beyond that is not sent, and counted."""

SLICE = 0.001
"""Seconds after which a caller whose messages never wait lets the others go on."""


@click.command("bench")
@config_option
@click.option("--flow", "-f", required=True, help="Name of the flow to measure.")
@click.option("--data", "-d", help="Body as JSON; `@file` reads a file, `-` reads standard input.")
@click.option("--vars", "variables", help="Variables as a JSON object.")
@click.option("--rate", type=click.FloatRange(min=0.001), help="Messages per second, on schedule (open model).")
@click.option("--duration", default="10s", show_default=True, help="How long to measure, e.g. 500ms, 10s.")
@click.option("--concurrency", type=click.IntRange(1, 10_000), help="Callers at once, instead of 1, 2, 4 and so on.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(  # noqa: PLR0913, PLR0917  one parameter per option
    option: Path | None,
    argument: Path | None,
    flow: str,
    data: str | None,
    variables: str | None,
    rate: float | None,
    duration: str,
    concurrency: int | None,
    form: str,
) -> None:
    """Measure one flow: throughput, latency, the slowest blocks, and a number of workers that suits it.

    The flow is called in this process with the same message again and again, and what its blocks do is done for real.
    No source starts. Without --rate, more and more callers call until that gets no more done. Exit codes: 0 measured,
    1 no message completed, 2 bad usage or configuration.
    """
    from octo.core import log

    if rate is not None and concurrency is not None:
        raise click.UsageError("--rate and --concurrency are two ways to load a flow; choose one")
    log.configure("warn")
    log.reserve_stdout()
    plan = Plan(flow, read_body(data), read_object(variables, "--vars"), rate, _seconds(duration), concurrency)
    config = load_or_exit(config_path(option, argument))
    if flow not in config.flows:
        raise click.UsageError(f"there is no flow {flow!r}. Flows: {', '.join(config.flows) or 'none'}")
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner, _quiet():
            report = runner.run(measure(config, plan))
    except OctoError as error:
        refuse(error)
        sys.exit(exits.FAILED)
    _print(report, form)
    sys.exit(exits.DONE if any(window.completed for window in report.windows) else exits.FAILED)


def _seconds(text: str) -> float:
    from octo.core.settings import parse_duration

    try:
        return max(0.001, float(parse_duration(text).total_seconds()))  # type: ignore[attr-defined]
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a duration; write e.g. 500ms or 10s", param_hint="--duration"
        ) from None


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop


@contextmanager
def _quiet() -> Iterator[None]:
    """A flow that fails is counted; thousands of lines about it would only slow it down."""
    log = logging.getLogger("octo.flow")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


# --- what is measured --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What was asked for."""

    flow: str
    body: object
    vars: dict[str, object]
    rate: float | None
    seconds: float
    concurrency: int | None


@dataclass
class Window:
    """One load for some time. Times are milliseconds per message: `service` with a permit, `waiting` for one."""

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
    """What a block took, with everything inside it and all waiting."""

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
    """Load the flow as planned. Raises what keeps a connector from opening."""
    from octo.engine.connections import Connections

    report = Report(plan.flow, config.flows[plan.flow].workers)
    try:
        async with asyncio.TaskGroup() as tasks:
            connections = Connections(tasks)
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
    """Once unwatched for the figures, once watched for the blocks."""
    from octo.engine.events import Bus
    from octo.engine.generation import Generation

    bus = Bus()
    observe = None if blocks is None else blocks.watched
    generation = Generation(config, connections, bus, tasks, only=plan.flow, observe=observe)
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
    """One window for a rate or a number of callers; else more and more callers until they gain nothing, twice."""
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
    """Hands messages to the flow and writes down how they fare."""

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
        """Each message has its time, whatever became of the earlier ones; its latency counts from then."""
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
            outcome = result if isinstance(result, Message | Drop) else await result
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


class Blocks:
    """Time per block, by address."""

    def __init__(self) -> None:
        self._times: dict[str, BlockTime] = {}

    def watched(self, step: Step) -> Step:
        """The same step with its time written down."""
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
            if not isinstance(result, Message | Drop) and inspect.isawaitable(result):
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
    """Little's law: messages under way = messages per second * seconds each takes.

    For a rate, with headroom. Else for the most that one core can do: as many as keep it busy while they wait.
    """
    if plan.rate is not None:
        return max(1, math.ceil(plan.rate * report.windows[0].service / 1000 / HEADROOM))
    cpu = min(window.cpu for window in report.windows)
    return max(1, round(report.windows[0].service / cpu)) if cpu else 1


# --- how it is shown ---------------------------------------------------------------------------------------------


def _print(report: Report, form: str) -> None:
    if form == "json":
        import orjson

        sys.stdout.buffer.write(orjson.dumps(asdict(report)) + b"\n")
        sys.stdout.buffer.flush()
        return
    click.echo("\n".join(_text(report)))
    if report.first_failure:
        click.echo(f"first failure: {report.first_failure}", err=True)


def _text(report: Report) -> Iterator[str]:
    open_model = report.windows[0].rate is not None
    head = (
        "rate/s" if open_model else "callers",
        "done/s",
        "p50 ms",
        "p95",
        "p99",
        "max",
        "waiting",
        "service",
        "CPU-ms",
    )
    yield "".join(f"{each:>10}" for each in (*head, "failed", "dropped", "unsent"))
    for it in report.windows:
        times = (it.p50, it.p95, it.p99, it.longest, it.waiting, it.service, it.cpu)
        yield (
            f"{it.rate if open_model else it.concurrency:>10g}{it.throughput:>10,.0f}"
            + "".join(f"{each:>10.3f}" for each in times)
            + f"{it.failed:>10}{it.dropped:>10}{it.unsent:>10}"
        )
    yield from _block_lines(report.blocks)
    yield ""
    yield f"workers: {report.workers} now, {report.suggested} suggested. {_reason(report)}"


def _block_lines(blocks: list[BlockTime]) -> Iterator[str]:
    if not blocks:
        return
    yield ""
    yield f"{'ms/call':>10}{'calls':>10}  slowest blocks, with what is inside them"
    for each in blocks[:10]:
        yield f"{1000 * each.seconds / each.calls:>10.4f}{each.calls:>10}  {each.address}"


def _reason(report: Report) -> str:
    if report.windows[0].rate is not None:
        return f"Little's law: rate x service time, with {HEADROOM:.0%} of the workers busy."
    return "Little's law: as many as keep one core busy while they wait, if what they wait for keeps pace."
