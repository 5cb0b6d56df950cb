"""Run the soak and tell what was found; the exit code says whether all of it is good."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from bench.figures import slope
from bench.machine import compiled
from bench.process import Process, octo
from bench.soak.callers import Findings, call_forever
from bench.soak.faults import Faults, save, workers
from bench.soak.upstream import serving
from octo.testing.postgres import PASSWORD, Postgres

CALLERS = 12
EVERY = 5.0
"""Seconds between two looks at the sizes of the processes."""

MOST_GROWTH = 5.0
"""Growth of a process in the second half that counts as flat, in MB per hour; and as many file numbers."""


@dataclass(frozen=True)
class Size:
    """A process at a moment. at: minutes. rss: MB."""

    at: float
    rss: float
    files: int
    threads: int

    @classmethod
    def of(cls, pid: int, began: float) -> Size:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        return cls(
            (time.monotonic() - began) / 60, int(status["VmRSS"].split()[0]) / 1024, files, int(status["Threads"])
        )


async def main(minutes: float) -> bool:
    compiled()
    findings = Findings(edits={1})
    with Postgres.started() as postgres, tempfile.TemporaryDirectory(prefix="octo-soak-") as folder:
        await _tables(postgres)
        path = Path(folder, "flows.yaml")
        save(path, 1)
        async with serving() as upstream, _supervised(path, upstream, postgres) as octo_run:
            faults = Faults(octo_run.pid, path, octo_run.port, postgres, findings)
            sizes = await _soak(octo_run, faults, findings, minutes * 60)
            said = octo_run.said()
        missing = await _missing(postgres, findings)
    print(f"{minutes:g} minutes: {dict(faults.counts)}")
    for (route, outcome), count in sorted(findings.outcomes.items()):
        print(f"{route:8}{outcome:10}{count:>9,}")
    for line in findings.wrong[:20]:
        print(f"wrong: {line}")
    print(f"acknowledged rows {len(findings.rows):,}, missing or different {len(missing)} {missing[:5]}")
    print(f"tracebacks in the log: {said.count('Traceback')}")
    flat = [_is_flat(role, each) for role, each in sizes.items()]
    return all(flat) and not missing and not findings.wrong and "Traceback" not in said


@asynccontextmanager
async def _supervised(path: Path, upstream: str, postgres: Postgres) -> AsyncIterator[Process]:
    options = ("--watch", "--processes", "2", "--admin-addr", "off")
    process = octo(path, *options, UPSTREAM=upstream, DSN=postgres.dsn, DB_PASSWORD=PASSWORD)
    try:
        await asyncio.to_thread(process.ready)
        yield process
    finally:
        await asyncio.to_thread(process.stop)


async def _soak(process: Process, faults: Faults, findings: Findings, seconds: float) -> dict[str, list[Size]]:
    stop = asyncio.Event()
    base = f"http://127.0.0.1:{process.port}"
    sizes: dict[str, list[Size]] = {"supervisor": [], "oldest worker": []}
    oldest, began = workers(process.pid)[0], time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(call_forever(base, findings, stop))
        group.create_task(faults.go_on(stop))
        while time.monotonic() < began + seconds:
            await asyncio.sleep(EVERY)
            sizes["supervisor"].append(Size.of(process.pid, began))
            sizes["oldest worker"].append(Size.of(oldest, began))
        stop.set()
    return sizes


def _is_flat(role: str, sizes: list[Size]) -> bool:
    half = sizes[len(sizes) // 2 :]
    minutes = [each.at for each in half]
    rss = 60 * slope(minutes, [each.rss for each in half])
    files = 60 * slope(minutes, [float(each.files) for each in half])
    first, middle, last = sizes[0], half[0], half[-1]
    print(
        f"{role}: RSS {first.rss:.1f}, {middle.rss:.1f}, {last.rss:.1f} MB ({rss:+.2f} MB/h in the second half); "
        f"files {first.files}, {middle.files}, {last.files} ({files:+.2f}/h); "
        f"threads {first.threads}, {middle.threads}, {last.threads}"
    )
    return rss <= MOST_GROWTH and files <= MOST_GROWTH


async def _tables(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.dsn, password=PASSWORD)
    await connection.execute("CREATE TABLE entries (id text PRIMARY KEY, value int); CREATE TABLE notes (n int)")
    await connection.close()


async def _missing(postgres: Postgres, findings: Findings) -> list[str]:
    """The acknowledged rows that are not in the database with their value."""
    if findings.database_back == float("inf"):
        await asyncio.to_thread(postgres.start)
    connection = await asyncpg.connect(postgres.dsn, password=PASSWORD)
    stored = {row["id"]: row["value"] for row in await connection.fetch("SELECT id, value FROM entries")}
    await connection.close()
    return [key for key, value in findings.rows.items() if stored.get(key) != value]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="An hour of a bad day.")
    parser.add_argument("--minutes", type=float, default=60)
    raise SystemExit(0 if asyncio.run(main(parser.parse_args().minutes)) else 1)
