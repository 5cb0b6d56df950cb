"""pgvector: vectors in a table of PostgreSQL, beside the other data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Self

from octo.connectors.pgvector.settings import Table
from octo.core.connector import connector
from octo.core.errors import Permanent
from octo.core.powers import Healthy
from octo.vectors import codes
from octo.vectors.memory import MemoryStore, Stub, stubbed
from octo.vectors.store import FAMILY

if TYPE_CHECKING:
    from octo.connectors.pgvector.store import PgvectorStore

__all__ = ["Pgvector", "Table"]


@connector("pgvector", family=FAMILY)
class Pgvector:
    def __init__(self, store: PgvectorStore | MemoryStore, namespace: str) -> None:
        self.store = store
        self.namespace = namespace

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Table) -> AsyncIterator[Self]:
        try:
            module = await asyncio.to_thread(
                import_module, "octo.connectors.pgvector.store"
            )  # the driver takes its time
        except ImportError as error:
            missing = f"`pgvector` needs the library {error.name}: install octo-flows[postgres]"
            raise Permanent(missing, code=codes.STORE) from error

        async with module.opened(settings) as store:
            yield cls(store, settings.namespace)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Table, stub: Stub) -> AsyncIterator[Self]:
        """Yield a table of the test alone."""
        async with stubbed(stub, settings.metric, settings.dimension, settings.namespace) as store:
            yield cls(store, settings.namespace)

    async def health(self) -> None:
        """Raise `Transient` if the database does not answer."""
        await self.store.ping()


_: type[Healthy] = Pgvector
