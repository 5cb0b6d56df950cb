"""Qdrant: vectors in a collection of this server.

With `metric: cosine` Qdrant keeps vectors of length 1: what `vector-fetch` reads is the direction of what was written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from octo.connectors.qdrant.settings import Collection
from octo.core.connector import connector
from octo.vectors.memory import Stub, stubbed
from octo.vectors.store import FAMILY, VectorStore

__all__ = ["Collection", "Qdrant"]


@connector("qdrant", family=FAMILY)
class Qdrant:
    def __init__(self, store: VectorStore, namespace: str) -> None:
        self.store = store
        self.namespace = namespace

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Collection) -> AsyncIterator[Self]:
        from octo.connectors.qdrant.store import opened

        async with opened(settings) as store:
            yield cls(store, settings.namespace)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Collection, stub: Stub) -> AsyncIterator[Self]:
        """Yield a collection of the test alone."""
        async with stubbed(stub, settings.metric, settings.dimension, settings.namespace) as store:
            yield cls(store, settings.namespace)
