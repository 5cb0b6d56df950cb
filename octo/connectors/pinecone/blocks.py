"""What the blocks of Pinecone answer: what Pinecone does, or in a test what a store in memory has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from octo.connectors.pinecone.settings import Ask
from octo.connectors.pinecone.store import PineconeStore
from octo.vectors.filters import Condition, conditions
from octo.vectors.memory import MemoryStore
from octo.vectors.store import Match, Record


class Native(Protocol):
    """Answers in the form of Pinecone."""

    async def upsert(self, records: Sequence[Record], namespace: str) -> object: ...
    async def query(self, settings: Ask, vector: Sequence[float], where: object, namespace: str) -> object: ...
    async def fetch(self, ids: Sequence[str], namespace: str) -> object: ...
    async def delete(self, ids: Sequence[str], namespace: str) -> object: ...
    async def delete_where(self, where: object, namespace: str) -> object: ...


class Calls:
    """Pinecone itself."""

    def __init__(self, store: PineconeStore) -> None:
        self._store = store

    async def upsert(self, records: Sequence[Record], namespace: str) -> object:
        await self._store.upsert(records, namespace)
        return {"upsertedCount": len(records)}

    async def query(self, settings: Ask, vector: Sequence[float], where: object, namespace: str) -> object:
        self._store.check(vector, "the vector of the query")
        asked: dict[str, object] = {
            "vector": vector,
            "topK": settings.top_k,
            "includeMetadata": settings.include_metadata,
            "includeValues": settings.include_values,
        }
        if where is not None:
            asked["filter"] = where
        return await self._store.call("/query", asked, namespace)

    async def fetch(self, ids: Sequence[str], namespace: str) -> object:
        return {"vectors": await self._store.fetched(ids, namespace), "namespace": namespace}

    async def delete(self, ids: Sequence[str], namespace: str) -> object:
        await self._store.delete(ids, namespace)
        return {}

    async def delete_where(self, where: object, namespace: str) -> object:
        return await self._store.remove({"deleteAll": True} if where is None else {"filter": where}, namespace)


class Stubbed:
    """A store in memory, in the form of Pinecone."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def upsert(self, records: Sequence[Record], namespace: str) -> object:
        await self._store.upsert(records, namespace)
        return {"upsertedCount": len(records)}

    async def query(self, settings: Ask, vector: Sequence[float], where: object, namespace: str) -> object:
        found = await self._store.query(vector, settings.top_k, _conditions(where), namespace)
        vectors = {each.id: each.vector for each in await self._store.fetch([each.id for each in found], namespace)}
        matches: list[dict[str, object]] = []
        for each in found:
            told = {"metadata": _metadata(each)} if settings.include_metadata else {}
            values = {"values": list(vectors[each.id])} if settings.include_values else {}
            matches.append({"id": each.id, "score": each.score, **told, **values})
        return {"matches": matches, "namespace": namespace}

    async def fetch(self, ids: Sequence[str], namespace: str) -> object:
        found = await self._store.fetch(ids, namespace)
        vectors = {each.id: {"id": each.id, "values": list(each.vector), "metadata": _metadata(each)} for each in found}
        return {"vectors": vectors, "namespace": namespace}

    async def delete(self, ids: Sequence[str], namespace: str) -> object:
        await self._store.delete(ids, namespace)
        return {}

    async def delete_where(self, where: object, namespace: str) -> object:
        await self._store.delete_where(_conditions(where), namespace)
        return {}


def _conditions(where: object) -> Sequence[Condition]:
    return () if where is None else conditions(where)


def _metadata(found: Match | Record) -> dict[str, object]:
    return {**found.metadata, **({"text": found.text} if found.text else {})}
