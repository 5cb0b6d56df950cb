"""Vectors in a SQLite file, or in memory: no server is needed.

Each query compares with every vector of its namespace, so what it finds is exact. That is quick up to some 100,000
vectors; see [Search by meaning](rag.md).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from octo.connectors.vector_sqlite.settings import File
from octo.core.connector import connector
from octo.vectors.memory import Stub, stubbed
from octo.vectors.store import FAMILY, VectorStore

__all__ = ["File", "VectorSqlite"]


@connector("vector-sqlite", family=FAMILY)
class VectorSqlite:
    def __init__(self, store: VectorStore, namespace: str) -> None:
        self.store = store
        self.namespace = namespace

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: File) -> AsyncIterator[Self]:
        from octo.connectors.vector_sqlite.store import opened

        async with opened(settings) as store:
            yield cls(store, settings.namespace)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: File, stub: Stub) -> AsyncIterator[Self]:
        """Yield a store of the test alone."""
        async with stubbed(stub, settings.metric, settings.dimension, settings.namespace) as store:
            yield cls(store, settings.namespace)
