"""Opened connectors, shared by the generations that use them.

A reload keeps every connector whose settings did not change: the new generation acquires it before the old one
releases it. Each opened connector lives in a task of its own, because what `open` enters must be left in the same
task, while generations come and go in any order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from octo.config.documents import ConnectorDoc
from octo.core.errors import OctoError
from octo.core.log import fields
from octo.core.settings import Settings

log = logging.getLogger("octo.engine")


class StartError(OctoError):
    """A connector could not be opened."""

    code = "OCTO-R130"


class _Opened:
    """One opened connector. Invariant: `users` counts the generations that hold it; at 0 it closes."""

    def __init__(self, doc: ConnectorDoc, stub: Settings | None) -> None:
        self.doc = doc
        self._stub = stub
        self.users = 0
        self.ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.unused = asyncio.Event()
        self.closed = asyncio.Event()

    def _open(self) -> Any:
        type_, settings = self.doc.type, self.doc.settings
        if self._stub is None:
            return type_.cls.open(settings)  # type: ignore[attr-defined]
        assert type_.stub is not None
        return type_.stub.function(type_.cls, settings, self._stub)

    async def live(self) -> None:
        try:
            async with self._open() as instance:
                self.ready.set_result(instance)
                await self.unused.wait()
        except Exception as error:
            if self.ready.done():
                log.exception("connector did not close cleanly", extra=fields(connector=self.doc.name))
            else:
                self.ready.set_exception(error)
        finally:
            if not self.ready.done():
                self.ready.cancel()
            self.closed.set()


class Connections:
    """Acquire and release connectors by their document; equal documents share one connection.

    stubs: by connector name, what stands in for it, in the settings of its type's stub.
    """

    def __init__(self, tasks: asyncio.TaskGroup, stubs: Mapping[str, Settings] = MappingProxyType({})) -> None:
        self._tasks = tasks
        self._stubs = stubs
        self._opened: list[_Opened] = []

    async def acquire(self, doc: ConnectorDoc) -> Any:
        """The opened connector. Raises `StartError` naming the connector if it does not open."""
        opened = self._find(doc)
        if opened is None:
            log.info("starting connector", extra=fields(connector=doc.name, type=doc.type.name))
            opened = _Opened(doc, self._stubs.get(doc.name))
            self._opened.append(opened)
            self._tasks.create_task(opened.live())
        opened.users += 1
        try:
            return await asyncio.shield(opened.ready)
        except asyncio.CancelledError:
            await self.release(doc)
            raise
        except Exception as error:
            await self.release(doc)
            code = error.code if isinstance(error, OctoError) else None
            text = str(error) if isinstance(error, OctoError) else f"{type(error).__name__}: {error}"
            raise StartError(f'connector "{doc.name}" ({doc.type.name}) did not start: {text}', code=code) from error

    async def release(self, doc: ConnectorDoc) -> None:
        """Give it back; the last user waits until it is closed."""
        opened = self._find(doc)
        if opened is None:
            return
        opened.users -= 1
        if opened.users == 0:
            self._opened.remove(opened)
            opened.unused.set()
            await opened.closed.wait()

    def _find(self, doc: ConnectorDoc) -> _Opened | None:
        return next((each for each in self._opened if each.doc.key == doc.key), None)
