"""An index of Pinecone, by its HTTP API, version 2025-10."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from octo.connectors.pinecone.settings import Index
from octo.core.errors import OctoError, Permanent
from octo.vectors import codes
from octo.vectors.filters import Condition
from octo.vectors.records import checked
from octo.vectors.store import Match, Record
from octo.vendors.api import Api, calling

VERSION = "2025-10"
_WRITTEN = 100
"""Records of one request: two megabytes, which is the limit of Pinecone, hold 100 of 1,536 numbers."""
_READ = 100
"""Ids of one request: they stand in its address."""
_DELETED = 1000
_TEXT = "text"
"""The field of the metadata that has the text: Pinecone has no other place for it."""


class PineconeStore:
    """An index. host: where it is. dimension: of its vectors, None if that is not known."""

    def __init__(self, api: Api, host: str, dimension: int | None) -> None:
        self._api = api
        self._host = host
        self._dimension = dimension

    async def upsert(self, records: Sequence[Record], namespace: str) -> None:
        for each in records:
            self.check(each.vector, f"the vector of {each.id!r}")
        for at in range(0, len(records), _WRITTEN):
            await self.call("/vectors/upsert", {"vectors": [*map(_sent, records[at : at + _WRITTEN])]}, namespace)

    async def query(self, vector: Sequence[float], top: int, where: Sequence[Condition], namespace: str) -> list[Match]:
        self.check(vector, "the vector of the query")
        asked: dict[str, object] = {"vector": vector, "topK": top, "includeMetadata": True, "includeValues": False}
        if where:
            asked["filter"] = _filter(where)
        answer = await self.call("/query", asked, namespace)
        return [Match(name, score, *_told(each)) for each in self._list(answer) for name, score in [self._match(each)]]

    async def fetch(self, ids: Sequence[str], namespace: str) -> list[Record]:
        found = await self.fetched(ids, namespace)
        return [Record(each, self._values(found[each]), *_told(found[each])) for each in ids if each in found]

    async def delete(self, ids: Sequence[str], namespace: str) -> None:
        for at in range(0, len(ids), _DELETED):
            await self.remove({"ids": [*ids[at : at + _DELETED]]}, namespace)

    async def delete_where(self, where: Sequence[Condition], namespace: str) -> None:
        await self.remove({"filter": _filter(where)} if where else {"deleteAll": True}, namespace)

    # --- for the blocks of Pinecone, too ------------------------------------------------------------------------

    def check(self, vector: Sequence[float], what: str) -> None:
        if self._dimension is not None:
            checked(vector, self._dimension, what)

    async def call(self, path: str, body: Mapping[str, object], namespace: str) -> dict[str, Any]:
        return await self._api.call("POST", path, {**body, "namespace": namespace}, base=self._host)

    async def fetched(self, ids: Sequence[str], namespace: str) -> dict[str, dict[str, Any]]:
        """Return the records with these ids as Pinecone has them."""
        found: dict[str, dict[str, Any]] = {}
        for at in range(0, len(ids), _READ):
            query = [*(("ids", each) for each in ids[at : at + _READ]), ("namespace", namespace)]
            answer = await self._api.call("GET", "/vectors/fetch", query=query, base=self._host)
            vectors = answer.get("vectors", {})
            if not isinstance(vectors, dict) or not all(isinstance(each, dict) for each in vectors.values()):
                raise self._api.unreadable("`vectors` is no map of records")
            found |= vectors
        return found

    async def remove(self, what: Mapping[str, object], namespace: str) -> dict[str, Any]:
        """Delete records. A namespace that is not there has none."""
        try:
            return await self.call("/vectors/delete", what, namespace)
        except OctoError as error:
            if error.status == 404:
                return {}
            raise

    # --- reading answers ----------------------------------------------------------------------------------------

    def _list(self, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
        matches = answer.get("matches")
        if not isinstance(matches, list) or not all(isinstance(each, dict) for each in matches):
            raise self._api.unreadable("`matches` is no list of matches")
        return matches

    def _match(self, match: Mapping[str, Any]) -> tuple[str, float]:
        name, score = match.get("id"), match.get("score")
        if not isinstance(name, str) or not isinstance(score, int | float):
            raise self._api.unreadable("a match has no `id` or no `score`")
        return name, score

    def _values(self, vector: Mapping[str, Any]) -> list[float]:
        values = vector.get("values")
        if not isinstance(values, list):
            raise self._api.unreadable("a record has no `values`")
        return values


def _sent(record: Record) -> dict[str, object]:
    metadata = {**record.metadata, **({_TEXT: record.text} if record.text else {})}
    return {"id": record.id, "values": record.vector, **({"metadata": metadata} if metadata else {})}


def _told(found: Mapping[str, Any]) -> tuple[str, dict[str, object]]:
    given = found.get("metadata")
    metadata = dict(given) if isinstance(given, dict) else {}
    return str(metadata.pop(_TEXT, "")), metadata


def _filter(where: Sequence[Condition]) -> dict[str, object]:
    listed: list[dict[str, object]] = []
    for each in where:
        value: object = list(each.values) if each.operator in ("$in", "$nin") else each.values[0]
        listed.append({each.field: {each.operator: value}})
    return listed[0] if len(listed) == 1 else {"$and": listed}


@asynccontextmanager
async def opened(settings: Index) -> AsyncIterator[PineconeStore]:
    """Yield the store. Without a `host` Pinecone is asked for it; raises `Permanent` if the index does not fit."""
    headers = {"Api-Key": settings.api_key.get_secret_value(), "X-Pinecone-Api-Version": VERSION}
    async with calling("Pinecone", settings.control_url, headers, settings) as api:
        if settings.host is not None:
            yield PineconeStore(api, settings.host.rstrip("/"), settings.dimension)
        else:
            yield PineconeStore(api, *await _looked_up(api, settings))


async def _looked_up(api: Api, settings: Index) -> tuple[str, int | None]:
    found = await api.call("GET", f"/indexes/{settings.index}")
    host, dimension = found.get("host"), found.get("dimension")
    if not isinstance(host, str) or not host or not isinstance(dimension, int | None):
        raise api.unreadable("the description of the index has no `host`")
    if settings.dimension is not None and dimension is not None and dimension != settings.dimension:
        what = f"the index {settings.index!r} has vectors of {dimension} numbers, the connector {settings.dimension}"
        raise Permanent(what, code=codes.DIMENSION)
    return host if "://" in host else f"https://{host}", settings.dimension or dimension
