"""How long the platform takes to answer with 10,000 integrations and 1,000 deployments in its store."""

from __future__ import annotations

import asyncio
from statistics import median

from bench import platform_store
from bench.figures import quantile
from bench.section import Budget, Effort, Section, Table

MOST_MS = 200


def measure(effort: Effort) -> Section:
    rounds = 100 if effort.full else 30
    with platform_store.postgres() as place:
        measured = {name: asyncio.run(_times(where, rounds)) for name, where in (("SQLite", ""), ("PostgreSQL", place))}
    slowest = {name: max(quantile(sorted(each), 0.95) for each in found.values()) for name, found in measured.items()}
    return Section(
        "The platform",
        f"{platform_store.INTEGRATIONS:,} integrations in {platform_store.FOLDERS} folders and "
        f"{platform_store.DEPLOYMENTS:,} deployments in the store; one client asks over HTTP, client, server and "
        "database on the same CPUs.",
        [Table(["request", *(f"{name}, ms: median (p95)" for name in measured)], _rows(measured))],
        [],
        [
            Budget(f"slowest p95 on {name}", f"<= {MOST_MS} ms", value, value <= MOST_MS, unit=" ms")
            for name, value in slowest.items()
        ],
    )


async def _times(place: str, rounds: int) -> dict[str, list[float]]:
    async with platform_store.served(place) as client:
        return await platform_store.times(client, rounds)


def _rows(measured: dict[str, dict[str, list[float]]]) -> list[list[str | float | int]]:
    return [
        [
            request,
            *(
                f"{median(each[request]):.1f} ({quantile(sorted(each[request]), 0.95):.1f})"
                for each in measured.values()
            ),
        ]
        for request in platform_store.REQUESTS
    ]
