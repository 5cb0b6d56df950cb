"""A collection of Qdrant, by its HTTP API, which is the same since version 1.10."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid5

from octo.connectors.qdrant.settings import Collection
from octo.core.errors import OctoError, Permanent
from octo.vectors import codes
from octo.vectors.filters import Condition
from octo.vectors.records import checked
from octo.vectors.store import Match, Metric, Record
from octo.vendors.api import Api, calling

DISTANCES: Mapping[Metric, str] = {"cosine": "Cosine", "l2": "Euclid", "dot": "Dot"}
IDS = UUID("6f63746f-7665-4374-8f72-732e71647261")
"""Ids of Qdrant are UUIDs: those of records are made of their namespace and id, and this. It never changes."""
_WRITTEN = 200
_READ = 200


class QdrantStore:
    """A collection. A point has the record's id, namespace, text and metadata as its payload."""

    def __init__(self, api: Api, settings: Collection) -> None:
        self._api = api
        self._dimension = settings.dimension
        self._path = f"/collections/{settings.collection}"

    async def upsert(self, records: Sequence[Record], namespace: str) -> None:
        for each in records:
            self._check(each.vector, f"the vector of {each.id!r}")
        for at in range(0, len(records), _WRITTEN):
            points = [_sent(each, namespace) for each in records[at : at + _WRITTEN]]
            await self._call("PUT", "/points", {"points": points}, is_waited_for=True)

    async def query(self, vector: Sequence[float], top: int, where: Sequence[Condition], namespace: str) -> list[Match]:
        self._check(vector, "the vector of the query")
        asked = {"query": vector, "limit": top, "with_payload": True, "filter": _filter(where, namespace)}
        result = await self._call("POST", "/points/query", asked)
        points = self._points(result.get("points") if isinstance(result, dict) else None)
        return [Match(_id(each), self._score(each), *_told(each)) for each in points]

    async def fetch(self, ids: Sequence[str], namespace: str) -> list[Record]:
        found: dict[str, Record] = {}
        for at in range(0, len(ids), _READ):
            wanted = [_point(each, namespace) for each in ids[at : at + _READ]]
            asked = {"ids": wanted, "with_payload": True, "with_vector": True}
            for each in self._points(await self._call("POST", "/points", asked)):
                found[_id(each)] = Record(_id(each), self._vector(each), *_told(each))
        return [found[each] for each in ids if each in found]

    async def delete(self, ids: Sequence[str], namespace: str) -> None:
        points = [_point(each, namespace) for each in ids]
        await self._call("POST", "/points/delete", {"points": points}, is_waited_for=True)

    async def delete_where(self, where: Sequence[Condition], namespace: str) -> None:
        await self._call("POST", "/points/delete", {"filter": _filter(where, namespace)}, is_waited_for=True)

    async def _call(self, method: str, path: str, body: object, *, is_waited_for: bool = False) -> Any:
        """Return the `result` of a call. is_waited_for: until the change is visible to queries."""
        query = [("wait", "true")] if is_waited_for else []
        return (await self._api.call(method, self._path + path, body, query)).get("result")

    def _check(self, vector: Sequence[float], what: str) -> None:
        if self._dimension is not None:
            checked(vector, self._dimension, what)

    def _points(self, found: object) -> list[dict[str, Any]]:
        if not isinstance(found, list) or not all(isinstance(each, dict) and "id" in each for each in found):
            raise self._api.unreadable("the result is no list of points")
        return found

    def _score(self, point: Mapping[str, Any]) -> float:
        score = point.get("score")
        if not isinstance(score, int | float):
            raise self._api.unreadable("a point has no `score`")
        return score

    def _vector(self, point: Mapping[str, Any]) -> list[float]:
        vector = point.get("vector")
        if not isinstance(vector, list):
            raise self._api.unreadable("a point has no `vector`, or several")
        return vector


def _point(name: str, namespace: str) -> str:
    return str(uuid5(IDS, f"{namespace}\0{name}"))


def _sent(record: Record, namespace: str) -> dict[str, object]:
    payload = {"id": record.id, "namespace": namespace, "text": record.text, "metadata": record.metadata}
    return {"id": _point(record.id, namespace), "vector": record.vector, "payload": payload}


def _payload(point: Mapping[str, Any]) -> dict[str, Any]:
    payload = point.get("payload")
    return payload if isinstance(payload, dict) else {}


def _id(point: Mapping[str, Any]) -> str:
    return str(_payload(point).get("id", point["id"]))


def _told(point: Mapping[str, Any]) -> tuple[str, dict[str, object]]:
    payload = _payload(point)
    metadata = payload.get("metadata")
    return str(payload.get("text", "")), metadata if isinstance(metadata, dict) else {}


def _filter(where: Sequence[Condition], namespace: str) -> dict[str, object]:
    must: list[object] = [{"key": "namespace", "match": {"value": namespace}}]
    must += [_condition(each) for each in where if not each.is_negated]
    must_not = [_condition(each) for each in where if each.is_negated]
    return {"must": must, **({"must_not": must_not} if must_not else {})}


def _condition(condition: Condition) -> dict[str, object]:
    key = f"metadata.{condition.field}"
    if condition.is_order:
        return {"key": key, "range": {condition.operator.removeprefix("$"): condition.values[0]}}
    several = [_equal(key, each) for each in condition.values]
    return several[0] if len(several) == 1 else {"should": several} if several else {"key": key, "match": {"any": []}}


def _equal(key: str, value: object) -> dict[str, object]:
    """Qdrant matches texts, booleans and whole numbers; a range takes any number."""
    if isinstance(value, str | bool):
        return {"key": key, "match": {"value": value}}
    return {"key": key, "range": {"gte": value, "lte": value}}


@asynccontextmanager
async def opened(settings: Collection) -> AsyncIterator[QdrantStore]:
    """Yield the store, its collection made. Raises `Permanent` if it is there and does not fit."""
    headers = {} if settings.api_key is None else {"api-key": settings.api_key.get_secret_value()}
    async with calling("Qdrant", settings.url, headers, settings) as api:
        await _prepare(api, settings)
        yield QdrantStore(api, settings)


async def _prepare(api: Api, settings: Collection) -> None:
    path = f"/collections/{settings.collection}"
    try:
        found = await api.call("GET", path)
    except OctoError as error:
        if error.status != 404 or not settings.create:
            raise
        wanted = {"vectors": {"size": settings.dimension, "distance": DISTANCES[settings.metric]}}
        try:
            await api.call("PUT", path, wanted)
        except OctoError as conflict:  # another process has made it meanwhile
            if conflict.status not in (400, 409):
                raise
            _check(await api.call("GET", path), api, settings)
        # What every call filters by; points of one namespace then lie side by side.
        tenants = {"field_name": "namespace", "field_schema": {"type": "keyword", "is_tenant": True}}
        await api.call("PUT", f"{path}/index", tenants, [("wait", "true")])
        return
    _check(found, api, settings)


def _check(found: Mapping[str, Any], api: Api, settings: Collection) -> None:
    try:
        vectors = found["result"]["config"]["params"]["vectors"]
        size, distance = vectors.get("size"), vectors.get("distance")
    except (KeyError, TypeError, AttributeError):
        raise api.unreadable("the collection has no description") from None
    wanted = DISTANCES[settings.metric]
    if distance != wanted or size != (settings.dimension or size):
        raise Permanent(
            f"the collection {settings.collection!r} has vectors of {size} numbers, compared by {distance}; the "
            f"connector's settings say {settings.dimension} and {wanted}",
            code=codes.STORE,
        )
