"""Whether a server that keeps every trace, and its store, keep their size over time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.cases import FANOUT
from bench.figures import slope
from bench.load import started
from bench.measures.traces import served
from bench.process import Process, memory, running
from bench.section import Cell, Effort, Section, Table

SOAK_BYTES = 16 * 1024 * 1024


def measure(effort: Effort) -> Section:
    with tempfile.TemporaryDirectory(prefix="octo-bench-") as folder:
        rows = _soak(60 * effort.minutes, Path(folder) / "soak.db")
    return Section("Traces over time", "", [Table(["soak: 002-fanout at 300/s, 100 %", "value"], rows)])


def _soak(seconds: float, path: Path) -> list[list[Cell]]:
    with running(served(FANOUT.config, "1", f"sqlite:{path}", str(SOAK_BYTES))) as server:
        load = started(server, FANOUT.request, 300, seconds)
        samples = list(_samples(server, load, path))
    half = samples[len(samples) // 2 :]
    growing = slope([at / 60 for at, _, _ in half], [rss for _, rss, _ in half])
    return [
        ["minutes", round(samples[-1][0] / 60, 1)],
        ["RSS at first and at last, MB", f"{samples[0][1]:.1f}, {samples[-1][1]:.1f}"],
        ["RSS growth in the second half, MB per minute", round(growing, 3)],
        ["store bound to, and at most, MB", f"{SOAK_BYTES / 2**20:.1f}, {max(size for _, _, size in samples):.1f}"],
        ["requests not answered with 200", load.result().failed],
    ]


def _samples(server: Process, load: object, path: Path) -> Iterator[tuple[float, float, float]]:
    """Second, RSS and size of the store in MB for as long as the load lasts."""
    began = time.monotonic()
    while load.is_running:  # type: ignore[attr-defined]
        size = sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*")) / 2**20
        yield time.monotonic() - began, memory(server.pid)[1], size
        time.sleep(1)
