"""Reloads: whether callers notice them, how long the loop stands still, and how much memory a thousand leave behind."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from pathlib import Path

from bench.figures import slope
from bench.load import Request, started
from bench.process import Process, memory, octo, running
from bench.section import Budget, Effort, Plot, Section, Table

FLOW = """
env: [{name: HTTP_PORT}]
connectors: [{name: web, type: http, settings: {port: "${HTTP_PORT}"}}]
flows:
  - name: hello
    source: {connector: web, type: http, settings: {path: /order}}
    process:
      - {type: set-variable, settings: {name: edit, value: '%(edit)d + size(body.lines)'}}
      - {type: set-payload, value: 'body.lines.filter(l, l.qty > %(edit)d).map(l, {"sku%(edit)d": l.sku})'}
"""
BLOCK = """\
      - type: set-variable
        settings:
          name: v%(block)d
          value: 'body.items.filter(i, i.price > %(edit)d%(block)d).map(i, {"n": i.price * 2})'
"""
RATE = 300
STANDING = 50.0
"""Milliseconds that the loop may stand still."""
MOST = 10.0
ORDER = Request("/order", '{"lines":[{"sku":"a","qty":1},{"sku":"b","qty":2}]}')


def measure(effort: Effort) -> Section:
    edits, served, failed = _under_load(60 if effort.full else 10)
    samples = _many(1000 if effort.full else 150)
    stalls = {size: _standing(*size) for size in ((200, 50), (1, 2000), (40, 50))}
    half = samples[len(samples) // 2 :]
    growing = 1000 * slope([count for count, _ in half], [rss for _, rss in half])
    return Section(
        "Reload",
        f"`octo run --watch` on a file that is edited again and again: first under {RATE} requests/s, then without "
        "load. Each of the latter edits has new expressions, to see whether the memory of generated code is freed.",
        [
            Table(
                ["measure", "value"],
                [
                    ["edits under load", edits],
                    ["requests answered with 200", served],
                    ["requests failed", failed],
                    ["reloads without load", int(samples[-1][0])],
                    ["RSS at first and at last, MB", f"{samples[0][1]:.1f}, {samples[-1][1]:.1f}"],
                    ["RSS growth in the second half, MB per 1,000 reloads", round(growing, 2)],
                ],
            ),
            Table(
                ["flows of so many blocks", "an edit takes effect after, s", "the loop stands still for at most, ms"],
                [
                    [f"{size[0]} of {size[1]}", round(taken, 2), round(stall, 1)]
                    for size, (taken, stall) in stalls.items()
                ],
                "An edit of every expression, on the event loop that serves",
            ),
        ],
        [Plot("reloads", "RSS by number of reloads", "reloads", "MB", {"RSS": samples})],
        [
            Budget(
                "reload under load: failed requests",
                "0",
                float(failed),
                failed == 0,
                f"{edits} edits, {served} requests",
            ),
            Budget(
                "loop frozen by a reload of 10,000 blocks",
                f"<= {STANDING:g} ms",
                stalls[200, 50][1],
                stalls[200, 50][1] <= STANDING,
                "200 flows of 50 blocks, every expression edited",
                " ms",
            ),
            Budget(
                "memory that reloads leave behind, per 1,000 in the second half",
                f"<= {MOST:g} MB",
                growing,
                growing <= MOST,
                f"{int(samples[-1][0])} reloads; what is cached up to a limit grows until there, what leaks always",
                " MB",
            ),
        ],
    )


def _under_load(seconds: float) -> tuple[int, int, int]:
    """The numbers of edits that took effect, of requests that got 200, and of requests that did not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "flow.yaml")
        path.write_text(FLOW % {"edit": 0})
        with running(octo(path, "--watch")) as process:
            load, edits = started(process, ORDER, RATE, seconds), 0
            time.sleep(0.5)
            while load.is_running and edits < seconds * 4:
                edits += 1
                _edit(process, path, edits)
            result = load.result()
            return edits, result.statuses.get("200", 0), result.failed


def _standing(flows: int, blocks: int) -> tuple[float, float]:
    """The seconds until an edit of every expression took effect, and the longest stall of the loop meanwhile, in ms."""
    import uvloop

    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.Loop) as runner:
        path = Path(folder, "flow.yaml")
        usual = gc.isenabled()
        gc.disable()  # as `octo` does until the first configuration is loaded
        try:
            return runner.run(_edited(path, *(_text(flows, blocks, edit) for edit in (1, 2))))
        finally:
            gc.unfreeze()
            (gc.enable if usual else gc.disable)()


def _text(flows: int, blocks: int, edit: int) -> str:
    return "flows:\n" + "".join(
        f"  - name: f{flow}\n    process:\n"
        + "".join(BLOCK % {"block": flow * blocks + block, "edit": edit} for block in range(blocks))
        for flow in range(flows)
    )


async def _edited(path: Path, before: str, after: str) -> tuple[float, float]:
    from octo.cli.project import load
    from octo.engine.garbage import set_aside
    from octo.engine.service import Service

    running, stop, beats = asyncio.Event(), asyncio.Event(), [0.0]

    def ready(_: object) -> None:
        set_aside()
        running.set()

    async def beat() -> None:
        while not stop.is_set():
            last = time.perf_counter()
            await asyncio.sleep(0.001)
            beats.append(time.perf_counter() - last - 0.001)

    path.write_text(before)  # noqa: ASYNC240  nothing runs yet
    service = Service(lambda: load(path), watched=lambda: [path], ready=ready)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run(stop))
        await running.wait()
        running.clear()
        await asyncio.sleep(1)
        tasks.create_task(beat())
        began = time.perf_counter()
        path.write_text(after)  # noqa: ASYNC240  a millisecond
        await running.wait()
        taken = time.perf_counter() - began
        await asyncio.sleep(1)  # the old generation is taken apart
        stop.set()
    return taken, max(beats) * 1000


def _many(count: int) -> list[tuple[float, float]]:
    """RSS by number of reloads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "flow.yaml")
        path.write_text(FLOW % {"edit": 0})
        with running(octo(path, "--watch", "--log-level", "info")) as process:
            samples = []
            for edit in range(1, count + 1):
                _edit(process, path, edit)
                if edit % max(1, count // 50) == 0:
                    samples.append((float(edit), memory(process.pid)[1]))
            return samples


def _edit(process: Process, path: Path, edit: int) -> None:
    """Write the next text and wait until it runs."""
    path.write_text(FLOW % {"edit": edit})
    end = time.monotonic() + 20
    while process.said().count("runtime ready") <= edit:
        if time.monotonic() > end:
            raise RuntimeError(f"edit {edit} was not taken up:\n{process.said()[-2000:]}")
        time.sleep(0.01)
