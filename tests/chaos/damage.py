"""Damage to a store at rest: bytes are flipped, and files cut off, and what is read is compared with what was there.

A store must come back whole, or be refused with an error that names it.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from octo.core.errors import OctoError, Permanent
from octo.services.container import Services
from octo.services.embedded import in_file, wal

NAME = "octo.db"
PARTS = (NAME, f"{NAME}-wal", f"{NAME}-shm")
_PORTS = ("queues", "key-value", "topics", "leases")

_FILL = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.chaos import damage
asyncio.run(damage.fill(Path(sys.argv[1]), killed=True))
"""


async def fill(path: Path, *, killed: bool) -> None:
    """Put something of every kind into the store; some of it is only in the log if the process is killed then."""
    async with Services(in_file(path)) as services:
        await services.open(_PORTS)
        for part in range(2):
            await _fill(services.opened, part)
        if killed:
            os.kill(os.getpid(), 9)


async def _fill(services: Any, part: int) -> None:
    queues, entries, topics = services["queues"], services["key-value"], services["topics"]
    async with topics.subscribe("news", durable="reader"):
        for n in range(20):
            await topics.publish("news", {"part": part, "n": n})
    for n in range(40):
        await queues.send("jobs", {"part": part, "n": n, "text": f"{n} " * (n * n)})
        await queues.send("ordered", {"part": part, "n": n}, order=f"k{n % 5}", key=f"{part} {n}")
        await entries.put("state", f"{part}-{n}", {"n": n, "text": "x" * n * 20}, ttl=1e8 if n % 2 else None)
    await queues.send("later", part, delay=1e8)
    for n, received in enumerate(await queues.receive("jobs", most=10)):
        await (queues.reject(received, f"reason {n} " * 20) if n % 2 else queues.ack(received))
    await entries.increment("state", "count", part + 1)
    await services["leases"].acquire(f"lease {part}", 1e8)


async def content(path: Path) -> object:
    """All that is in the store, read as a flow does."""
    async with Services(in_file(path)) as services:
        await services.open(_PORTS)
        queues, entries, topics = (services.opened[name] for name in ("queues", "key-value", "topics"))
        found: list[object] = _rows(path)
        for queue in ("jobs", "ordered", "later"):
            for dead in (False, True):
                seen = (await queues.browse(queue, dead=dead, most=1000)).messages  # type: ignore[attr-defined]
                found += [tuple(each) for each in seen]
                found.append(await queues.count(queue, dead=dead))  # type: ignore[attr-defined]
                found += [each[:4] for each in await queues.receive(queue, dead=dead, most=1000)]  # type: ignore[attr-defined]
        names = (await entries.list("state", most=1000)).names  # type: ignore[attr-defined]
        found += [(name, await entries.get("state", name)) for name in names]  # type: ignore[attr-defined]
        async with topics.subscribe("news", durable="reader") as events:  # type: ignore[attr-defined]
            found += [(await anext(events)).value for _ in range(40)]
        for part in range(2):
            found.append(await services.opened["leases"].acquire(f"lease {part}", 1.0))  # type: ignore[attr-defined]
        return found


def _rows(path: Path) -> list[object]:
    """What no flow sees, and what must not change either."""
    with closing(sqlite3.connect(path)) as connection:
        tables = ("messages", "leases", "topics", "subscribers", "entries", "events", "sent")
        found: list[object] = [sorted(connection.execute(f"SELECT * FROM {each}"), key=repr) for each in tables]
        return [*found, connection.execute("SELECT value FROM meta WHERE name = 'number'").fetchone()]


class Case(NamedTuple):
    """What is done to one of the files. flip: the bit, None to cut the file off there."""

    part: str
    at: int
    flip: int | None

    def apply(self, folder: Path) -> None:
        path = folder / self.part
        if self.flip is None:
            os.truncate(path, self.at)
            return
        with path.open("r+b") as file:
            file.seek(self.at)
            (byte,) = file.read(1)
            file.seek(self.at)
            file.write(bytes([byte ^ 1 << self.flip]))

    def __str__(self) -> str:
        return f"{self.part} cut at {self.at}" if self.flip is None else f"{self.part} byte {self.at} bit {self.flip}"


def stores(folder: Path) -> dict[str, Path]:
    """A store that was closed, and one whose process was killed."""
    closed, killed = folder / "closed", folder / "killed"
    asyncio.run(fill(closed / NAME, killed=False))
    subprocess.run([sys.executable, "-c", _FILL, str(killed / NAME)], check=False, cwd=Path(__file__).parents[2])
    index = wal._index(killed / NAME)
    assert index is not None
    assert index.frames > index.copied + 50, "too little is only in the log"
    return {"closed": closed, "killed": killed}


def cases(folder: Path, chosen: random.Random, number: int) -> Iterator[Case]:
    """Flips and cuts, as many in each file of the store; half of the flips are near the beginning of a page."""
    parts = [part for part in PARTS if (folder / part).exists() and (folder / part).stat().st_size]
    for n in range(number):
        part = parts[n % len(parts)]
        size = (folder / part).stat().st_size
        at = chosen.randrange(size)
        if n % 8 == 7:
            at = at // 4096 * 4096 if chosen.random() < 0.5 else at
            yield Case(part, at, None)
            continue
        if chosen.random() < 0.5:
            at = min(size - 1, at // 4096 * 4096 + chosen.randrange(120))
        yield Case(part, at, chosen.randrange(8))


def outcome(source: Path, case: Case, expected: object, folder: Path) -> str:
    """`whole` or `refused`, or in words what is wrong."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    case.apply(folder)
    try:
        found = asyncio.run(asyncio.wait_for(content(folder / NAME), 60))
    except OctoError as error:
        if not isinstance(error, Permanent) and not isinstance(error.__cause__, Permanent):
            return f"{case}: said to pass: {error}"
        return "refused" if str(folder / NAME) in str(error) else f"{case}: does not name the store: {error}"
    except BaseException as error:  # noqa: BLE001  it is told
        return f"{case}: {type(error).__name__}: {error}"
    return "whole" if found == expected else f"{case}: not as it was: {_difference(found, expected)}"


def _difference(found: Any, expected: Any) -> str:
    if len(found) != len(expected):
        return f"{len(found)} instead of {len(expected)}"
    return next(f"{one!r:.150} instead of {two!r:.150}" for one, two in zip(found, expected, strict=True) if one != two)


def damaged(folder: Path, number: int, seed: int) -> Iterator[tuple[str, Case, str]]:
    """Damage each store so many times, each time anew: its name, what was done to it, and the outcome."""
    for name, source in stores(folder).items():
        shutil.copytree(source, folder / "as it was")
        expected = asyncio.run(content(folder / "as it was" / NAME))
        for case in cases(source, random.Random(seed), number):
            yield name, case, outcome(source, case, expected, folder / "case")
        shutil.rmtree(folder / "as it was")
