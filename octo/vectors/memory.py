"""A vector store in memory: the stand-in of every other one in a test."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from operator import mul

from octo.core.settings import Settings
from octo.vectors.filters import Condition
from octo.vectors.records import checked, namespace as name_of, records
from octo.vectors.store import Match, Metric, Record


class Stub(Settings):
    """A store of the test alone. What the flows write is found again, until the test ends."""

    records: tuple[dict[str, object], ...] = ()
    """Records that it has from the beginning: maps with `vector`, and `id`, `text` and metadata as in `vector-upsert`.
    """
    namespace: str | None = None
    """The namespace of these records. Default: the connector's own."""


class MemoryStore:
    """Compares with every record, in plain Python. dimension: None takes any."""

    def __init__(self, metric: Metric, dimension: int | None = None) -> None:
        self._metric = metric
        self._dimension = dimension
        self._kept: dict[str, dict[str, Record]] = {}

    async def upsert(self, records: Sequence[Record], namespace: str) -> None:
        for each in records:
            self._check(each.vector, f"the vector of {each.id!r}")
        self._kept.setdefault(namespace, {}).update({each.id: each for each in records})

    async def query(self, vector: Sequence[float], top: int, where: Sequence[Condition], namespace: str) -> list[Match]:
        self._check(vector, "the vector of the query")
        found = [
            Match(each.id, score(self._metric, vector, each.vector), each.text, each.metadata)
            for each in self._kept.get(namespace, {}).values()
            if all(condition.holds(each.metadata) for condition in where)
        ]
        return sorted(found, key=lambda each: each.score, reverse=self._metric != "l2")[:top]

    async def fetch(self, ids: Sequence[str], namespace: str) -> list[Record]:
        kept = self._kept.get(namespace, {})
        return [kept[each] for each in ids if each in kept]

    async def delete(self, ids: Sequence[str], namespace: str) -> None:
        for each in ids:
            self._kept.get(namespace, {}).pop(each, None)

    async def delete_where(self, where: Sequence[Condition], namespace: str) -> None:
        kept = self._kept.get(namespace, {})
        gone = [each.id for each in kept.values() if all(condition.holds(each.metadata) for condition in where)]
        await self.delete(gone, namespace)

    async def ping(self) -> None:
        """It is always there."""

    def _check(self, vector: Sequence[float], what: str) -> None:
        if self._dimension is not None:
            checked(vector, self._dimension, what)


def score(metric: Metric, one: Sequence[float], other: Sequence[float]) -> float:
    """How near two vectors are."""
    if metric == "l2":
        return math.dist(one, other)
    product: float = sum(map(mul, one, other))
    return product if metric == "dot" else product / (math.hypot(*one) * math.hypot(*other))


@asynccontextmanager
async def stubbed(stub: Stub, metric: Metric, dimension: int | None, namespace: str) -> AsyncIterator[MemoryStore]:
    """Yield a store with the records of a test. namespace: the connector's own."""
    store = MemoryStore(metric, dimension)
    await store.upsert(records(list(stub.records)), namespace if stub.namespace is None else name_of(stub.namespace))
    yield store
