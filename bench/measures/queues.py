"""What it costs to hand a message over through a queue, in each place of services, beside its driver alone."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import quote

from bench.figures import there_and_back
from bench.section import Budget, Effort, Section, Table
from octo.testing.nats import Nats
from octo.testing.postgres import PASSWORD, Postgres
from octo.testing.servers import Missing

AT_ONCE = 32
"""Messages that are under way at once: tasks of Octo and asyncpg, rows of a transaction of `sqlite3`."""
BODY = {"order": 4711, "text": "x" * 200}
ROW = repr(BODY).encode()
GOAL = 0.6

NOTES = (
    f"A message has {len(ROW)} bytes, and {AT_ONCE} are under way at once.",
    "A hand-over is three writes: a send, a receive that lends the message, and an acknowledgement.",
    "The drivers alone insert and delete: two writes, and a receiver that is killed loses its message.",
    f"`sqlite3` alone commits for each message, in groups for each {AT_ONCE}.",
    "PostgreSQL and NATS are on the same machine; their own CPU is not counted. PostgreSQL runs without fsync.",
    "NATS runs as it does by default, then with `sync_interval: always`, where each write waits for the disk.",
    f"`nats-py` alone publishes, fetches and acknowledges one message at a time, or in groups of {AT_ONCE}.",
    "It does not wait until the server has its acknowledgement.",
)

TABLE = "CREATE TABLE IF NOT EXISTS plain (number {serial}, value {bytes} NOT NULL)"
TAKE = (
    "DELETE FROM plain WHERE number = (SELECT number FROM plain ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED) "
    "RETURNING value"
)


PLAIN = {
    "sqlite": "sqlite3 alone",
    "postgresql": "asyncpg alone",
    "nats": "nats-py alone",
    "nats, synced": "nats-py alone, synced",
}
"""What each queue is compared with."""

Kinds = dict[str, Callable[[float], Awaitable["Cost"]]]


class Cost(NamedTuple):
    """Messages per second, and CPU-µs per message of this process."""

    rate: float
    cpu: float


def measure(effort: Effort) -> Section:
    notes = list(NOTES)
    with tempfile.TemporaryDirectory(prefix="octo-bench-") as folder, ExitStack() as servers:
        kinds: Kinds = {
            "memory": lambda seconds: _octo("memory:", seconds),
            "sqlite": lambda seconds: _octo(f"sqlite:{folder}/octo.db", seconds),
            "sqlite3 alone": lambda seconds: _sqlite(Path(folder) / "plain.db", seconds, 1),
            "sqlite3 alone, in groups": lambda seconds: _sqlite(Path(folder) / "groups.db", seconds, AT_ONCE),
        }
        for added in (_postgres, _nats):
            try:
                kinds |= added(servers)
            except Missing as error:
                notes.append(f"Not measured: {error}")
        costs = _measured(kinds, effort)
    rows: list[list[Any]] = [[name, round(cost.rate), round(cost.cpu)] for name, cost in costs.items()]
    budgets = [_budget(costs, kind, plain) for kind, plain in PLAIN.items()]
    return Section(
        "Queues",
        "A message handed over through a queue of the services, in one process.",
        [Table(["queue", "messages/s", "CPU-µs per message"], rows)],
        budgets=budgets,
        notes=notes,
    )


def _budget(costs: dict[str, Cost], kind: str, plain: str) -> Budget:
    what = f"queue on {kind}: messages/s / {plain}"
    if kind not in costs:
        return Budget(what, f">= {GOAL}", None, None, "there is no server on this machine")
    ratio = costs[kind].rate / costs[plain].rate
    return Budget(what, f">= {GOAL}", ratio, ratio >= GOAL)


def _postgres(servers: ExitStack) -> Kinds:
    server = servers.enter_context(Postgres.started())
    url = f"postgresql://octo:{quote(PASSWORD, safe='')}@{server.address}/postgres"
    return {
        "postgresql": lambda seconds: _octo(url, seconds),
        "asyncpg alone": lambda seconds: _asyncpg(url, seconds),
    }


class _Relaxed(Nats):
    """As it is by default."""

    sync = "2m"


def _nats(servers: ExitStack) -> Kinds:
    relaxed, synced = servers.enter_context(_Relaxed.started()), servers.enter_context(Nats.started())
    return {
        "nats": lambda seconds: _octo(relaxed.url, seconds),
        "nats-py alone": lambda seconds: _nats_py(relaxed.url, seconds, 1),
        "nats-py alone, in groups": lambda seconds: _nats_py(relaxed.url, seconds, AT_ONCE),
        "nats, synced": lambda seconds: _octo(synced.url, seconds),
        "nats-py alone, synced": lambda seconds: _nats_py(synced.url, seconds, 1),
    }


def _measured(kinds: Kinds, effort: Effort) -> dict[str, Cost]:
    found: dict[str, list[Cost]] = {name: [] for name in kinds}
    for name in there_and_back(tuple(kinds)) * max(1, effort.rounds):
        found[name].append(asyncio.run(kinds[name](effort.seconds)))  # type: ignore[arg-type]
    return {
        name: Cost(median(each.rate for each in all_), median(each.cpu for each in all_))
        for name, all_ in found.items()
    }


async def _spent(seconds: float, hand_over: Callable[[], Awaitable[int]]) -> Cost:
    """Hand over for so many seconds. hand_over: returns how many messages it was."""
    await hand_over()
    began, cpu, done = time.perf_counter(), time.process_time(), 0
    while (took := time.perf_counter() - began) < seconds:
        done += await hand_over()
    return Cost(done / took, (time.process_time() - cpu) / done * 1e6)


async def _octo(url: str, seconds: float) -> Cost:
    from octo.services.container import Services
    from octo.services.places import openers

    async with Services(openers(url)) as services:
        await services.open(["queues"])
        queues: Any = services.opened["queues"]

        async def one() -> None:
            await queues.send("bench", BODY)
            (received,) = await queues.receive("bench", wait=30)
            await queues.ack(received)

        async def hand_over() -> int:
            await asyncio.gather(*(one() for _ in range(AT_ONCE)))
            return AT_ONCE

        return await _spent(seconds, hand_over)


async def _sqlite(path: Path, seconds: float, group: int) -> Cost:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(TABLE.format(serial="INTEGER PRIMARY KEY AUTOINCREMENT", bytes="BLOB"))

    async def hand_over() -> int:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(group):
            connection.execute("INSERT INTO plain (value) VALUES (?)", [ROW])
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        rows = connection.execute("SELECT number, value FROM plain ORDER BY number LIMIT ?", [group]).fetchall()
        for number, _ in rows:
            connection.execute("DELETE FROM plain WHERE number = ?", [number])
        connection.execute("COMMIT")
        return len(rows)

    try:
        return await _spent(seconds, hand_over)
    finally:
        connection.close()


async def _asyncpg(url: str, seconds: float) -> Cost:
    import asyncpg

    async with asyncpg.create_pool(url, min_size=8, max_size=8) as pool:
        await pool.execute(TABLE.format(serial="bigserial PRIMARY KEY", bytes="bytea"))

        async def one() -> None:
            await pool.execute("INSERT INTO plain (value) VALUES ($1)", ROW)
            while not await pool.fetch(TAKE):
                pass

        async def hand_over() -> int:
            await asyncio.gather(*(one() for _ in range(AT_ONCE)))
            return AT_ONCE

        return await _spent(seconds, hand_over)


async def _nats_py(url: str, seconds: float, group: int) -> Cost:
    import nats

    async with await nats.connect(url) as client:
        stream = client.jetstream()
        await stream.add_stream(name="plain", subjects=["plain"], retention="workqueue")
        # Tasks that fetch from one subscription take each other's messages, and then wait for ever.
        consumers = [await stream.pull_subscribe("plain", durable="plain") for _ in range(AT_ONCE)]

        async def take(consumer: Any, most: int) -> int:
            found = await consumer.fetch(most, timeout=30)
            for message in found:
                await message.ack()
            return len(found)

        async def one(consumer: Any) -> None:
            await stream.publish("plain", ROW)
            await take(consumer, 1)

        async def one_by_one() -> int:
            await asyncio.gather(*map(one, consumers))
            return AT_ONCE

        async def together() -> int:
            await asyncio.gather(*(stream.publish("plain", ROW) for _ in range(group)))
            left = group
            while left:
                left -= await take(consumers[0], left)
            return group

        hand_over = one_by_one if group == 1 else together

        return await _spent(seconds, hand_over)
