"""Pinecone: vectors in an index of this service.

The neutral blocks `vector-upsert`, `vector-query`, `vector-fetch` and `vector-delete` work with it, too, and with other
stores; those of this connector have the answers of Pinecone as they are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from octo.connectors.pinecone.settings import Ask, Delete, Fetch, Index, Upsert
from octo.core.block import block
from octo.core.connector import connector
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.vectors import records
from octo.vectors.memory import Stub, stubbed
from octo.vectors.store import FAMILY, VectorStore
from octo.vendors.answered import answered

if TYPE_CHECKING:
    from octo.connectors.pinecone.blocks import Native

__all__ = ["Ask", "Delete", "Fetch", "Index", "Pinecone", "Upsert"]


@connector("pinecone", family=FAMILY)
class Pinecone:
    def __init__(self, store: VectorStore, native: Native, namespace: str) -> None:
        self.store = store
        self.namespace = namespace
        self._native = native

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Index) -> AsyncIterator[Self]:
        from octo.connectors.pinecone.blocks import Calls
        from octo.connectors.pinecone.store import opened

        async with opened(settings) as store:
            yield cls(store, Calls(store), settings.namespace)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Index, stub: Stub) -> AsyncIterator[Self]:
        """Yield an index of the test alone. Filters are those of `vector-query`."""
        from octo.connectors.pinecone.blocks import Stubbed

        async with stubbed(stub, "cosine", settings.dimension, settings.namespace) as store:
            yield cls(store, Stubbed(store), settings.namespace)

    @block("pinecone-upsert", guarantee="at least once", steps=("send", "confirm"), idempotent="always")
    async def upsert(self, settings: Upsert, message: Message) -> Message:
        """Write records, over those with the same ids. The answer is `{upsertedCount}`."""
        given = message.body if settings.vectors is None else settings.vectors(message)
        made = records.records(_named(given))
        return await answered(settings, message, self._native.upsert(made, self._space(settings.namespace, message)))

    @block("pinecone-query", guarantee="answered", steps=("send", "confirm"), idempotent="always")
    async def query(self, settings: Ask, message: Message) -> Message:
        """Find the records whose vectors are nearest: `{matches: [{id, score, metadata}], namespace}`.

        The metadata may come from outside: give it to a model as data, never as an instruction.
        """
        wanted = records.vector(settings.vector(message))
        where = None if settings.filter is None else settings.filter(message)
        call = self._native.query(settings, wanted, where, self._space(settings.namespace, message))
        return await answered(settings, message, call)

    @block("pinecone-fetch", guarantee="answered", steps=("send", "confirm"), idempotent="always")
    async def fetch(self, settings: Fetch, message: Message) -> Message:
        """Read records by id: `{vectors: {id: {id, values, metadata}}, namespace}`."""
        wanted = records.ids(settings.ids(message))
        return await answered(settings, message, self._native.fetch(wanted, self._space(settings.namespace, message)))

    @block("pinecone-delete", guarantee="at least once", steps=("send", "confirm"), idempotent="always")
    async def delete(self, settings: Delete, message: Message) -> Message:
        """Delete records by id or by a filter, or all of the namespace. The answer is an empty map."""
        space = self._space(settings.namespace, message)
        if settings.ids is not None:
            call = self._native.delete(records.ids(settings.ids(message)), space)
        else:
            where = None if settings.filter is None else settings.filter(message)
            if where is not None and not where:
                raise records.bad("an empty filter would delete everything: write `deleteAll: true` if that is meant")
            call = self._native.delete_where(where, space)
        return await answered(settings, message, call)

    def _space(self, given: Expr[str] | None, message: Message) -> str:
        return self.namespace if given is None else records.namespace(given(message))


def _named(given: object) -> object:
    """Records with `vector` in place of Pinecone's `values`."""
    if isinstance(given, dict):
        return {"vector" if key == "values" else key: value for key, value in given.items()}
    return [_named(each) for each in given] if isinstance(given, list) else given
