"""What every vector store can do, whoever keeps the vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from octo.vectors.filters import Condition

Metric = Literal["cosine", "l2", "dot"]
"""How near two vectors are: by their angle, by their distance, or by their product."""

FAMILY = "vector-store"
"""What connectors of stores are declared as: `@connector("qdrant", family=FAMILY)`."""


@dataclass(frozen=True)
class Record:
    """A vector, and what is known of what it stands for."""

    id: str
    vector: Sequence[float]
    text: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """A record that is near, and how near: with cosine and dot more is nearer, with l2 less."""

    id: str
    score: float
    text: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)


class VectorStore(Protocol):
    """Keeps records by namespace and id. Ids of two namespaces have nothing to do with one another.

    All calls raise errors of `octo.core.errors`, and can be repeated without harm.
    """

    async def upsert(self, records: Sequence[Record], namespace: str) -> None:
        """Write the records over those with the same ids. What is written is found by the next query of a store that
        is consistent; one by HTTP may take a moment.
        """
        ...

    async def query(self, vector: Sequence[float], top: int, where: Sequence[Condition], namespace: str) -> list[Match]:
        """Return at most `top` records for which all conditions hold, the nearest first."""
        ...

    async def fetch(self, ids: Sequence[str], namespace: str) -> list[Record]:
        """Return the records with these ids, in their order, without those that are not there."""
        ...

    async def delete(self, ids: Sequence[str], namespace: str) -> None:
        """Delete the records with these ids; one that is not there is no error."""
        ...

    async def delete_where(self, where: Sequence[Condition], namespace: str) -> None:
        """Delete all records for which all conditions hold: without conditions all of the namespace."""
        ...


class Holder(Protocol):
    """An opened connector of the family. namespace: the one that is used where a block names none."""

    @property
    def store(self) -> VectorStore: ...
    @property
    def namespace(self) -> str: ...
