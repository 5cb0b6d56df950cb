"""`octo bench`: how fast one flow is, where its time goes, and how many workers it needs. No source starts."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from octo.cli import exits
from octo.cli.callee import callee
from octo.cli.ending import check_flow
from octo.cli.given import read_body, read_object
from octo.cli.project import Number, load_or_exit, refusals
from octo.cli.stubs import load_stubbed, stubs_option
from octo.cli.terminal import give, say
from octo.measure import HEADROOM, BlockTime, Plan, Report, measure


@click.command("bench")
@click.argument("words", nargs=-1, metavar="[CONFIG] [FLOW]")
@click.option(
    "--config", "-c", type=click.Path(path_type=Path), help="Flow file or folder, as CONFIG; default: this folder."
)
@click.option("--flow", "-f", help="Name of the flow to measure, as FLOW.")
@click.option("--data", "-d", help="Body as JSON; `@file` reads a file, `-` reads standard input.")
@click.option("--vars", "variables", help="Variables as a JSON object.")
@stubs_option
@click.option("--rate", type=Number(min=0.001), help="Messages per second, sent on schedule (open model).")
@click.option("--duration", default="10s", show_default=True, help="How long to measure, e.g. 500ms, 10s.")
@click.option(
    "--concurrency", type=click.IntRange(1, 10_000), help="Number of callers, instead of trying 1, 2, 4 and so on."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(  # noqa: PLR0913, PLR0917  one parameter per option
    words: tuple[str, ...],
    config: Path | None,
    flow: str | None,
    data: str | None,
    variables: str | None,
    stubs: tuple[str, ...],
    rate: float | None,
    duration: str,
    concurrency: int | None,
    form: str,
) -> None:
    """Measure one flow: throughput, latency, the slowest blocks, and a suitable number of workers.

    The flow is called in this process with the same message again and again. Its blocks really do what they do; no
    source starts. Without --rate, the number of callers is raised until the throughput no longer grows. Exit codes: 0
    measured, 1 no message completed, 2 bad usage or configuration.
    """
    from octo.core import log

    if rate is not None and concurrency is not None:
        raise click.UsageError("--rate and --concurrency cannot be combined; choose one")
    log.configure("warn")
    log.reserve_stdout()
    path, name = callee(words, config, flow, "bench")
    plan = Plan(name, read_body(data), read_object(variables, "--vars"), rate, _seconds(duration), concurrency)
    loaded = load_or_exit(path, partial(load_stubbed, stubs=stubs))
    check_flow(loaded, name)
    with refusals(exits.FAILED), asyncio.Runner(loop_factory=_loop_factory()) as runner, _quiet():
        report = runner.run(measure(loaded, plan))
    _print(report, form)
    sys.exit(exits.DONE if any(window.completed for window in report.windows) else exits.FAILED)


def _seconds(text: str) -> float:
    from octo.core.durations import parse_duration

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
    """Log nothing: failures are counted, and thousands of lines about them would slow the flow down."""
    log = logging.getLogger("octo")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


# --- how it is shown ---------------------------------------------------------------------------------------------


def _print(report: Report, form: str) -> None:
    if form == "json":
        import orjson

        give(orjson.dumps(asdict(report)) + b"\n", json=True)
        return
    say("\n".join(_text(report)))
    if report.first_failure:
        say(f"first failure: {report.first_failure}", err=True)


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
    yield f"{'ms/call':>10}{'calls':>10}  slowest blocks, including the blocks inside them"
    for each in blocks[:10]:
        yield f"{1000 * each.seconds / each.calls:>10.4f}{each.calls:>10}  {each.address}"


def _reason(report: Report) -> str:
    if report.windows[0].rate is not None:
        return f"Little's law: rate x service time, with {HEADROOM:.0%} of the workers busy."
    return "Little's law: enough to keep one core busy while others wait, if what they wait for keeps up."
