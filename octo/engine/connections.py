"""Connectors that are open: generations share them, and a lost connection is opened again.

A reload keeps every connector whose settings did not change: the new generation acquires it before the old one
releases it. Each opened connector has a task of its own: a context manager must be left in the task that entered it,
and generations come and go in any order.

A connector whose source, block or `health` raises `Disconnected` is lost: its users stop using it (`part`), it is
closed, and tries to open it again go on until one succeeds; then its users go on with the new instance (`join`).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from octo.config.documents import ConnectorDoc
from octo.core.backoff import Backoff, Failures
from octo.core.errors import Disconnected, OctoError, Position
from octo.core.log import fields
from octo.engine.lost import Lost
from octo.expr import ExprError
from octo.services.container import NO_SERVICES, Services

log = logging.getLogger("octo.engine")

PAUSES = Backoff()
"""The pauses before a lost connector is opened again."""

CLOSING = 10.0
"""Seconds that a connector may take to close. A dead peer must not hold it longer, nor a stop."""


class StartError(OctoError):
    """A connector could not be opened. at: where it is configured."""

    code = "OCTO-R130"

    def __init__(self, text: str, *, code: str | None = None, at: Position | None = None) -> None:
        super().__init__(text, code=code)
        self.at = at


class User(Protocol):
    """A user of a connector: what has acquired it, such as a generation."""

    async def part(self, connector: str, lost: Lost) -> None:
        """Stop using the instance, and return when that is done; `lost` takes its place."""
        ...

    async def join(self, connector: str, instance: Any) -> None:
        """Use this instance from now on."""
        ...


class Connection:
    """One connector, open or being opened again.

    instance: what `open` yielded; a `Lost` while the connection is lost; None before the first time it is open.

    Invariant: once its last user has released it, it closes and is never opened again.
    """

    def __init__(self, doc: ConnectorDoc, services: Services) -> None:
        self.doc = doc
        self.users: list[User | None] = []
        self.instance: Any = None
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()
        self._services = services
        self._task: asyncio.Task[None] | None = None
        self._is_unused = False
        self._over = asyncio.Event()

    # --- for users -----------------------------------------------------------------------------------------------

    def lose(self, instance: Any, error: Disconnected) -> None:
        """Note that the connection of this instance is gone. Does nothing if another instance has replaced it."""
        if instance is not self.instance or isinstance(instance, Lost):
            return
        log.warning("connection lost", extra=fields(connector=self.doc.name, error=str(error)))
        self.instance = Lost(self.doc.name, str(error))
        self._over.set()

    def judge(self, instance: Any, error: Exception) -> Exception:
        """Return what a block fails with that raised `error` on this instance.

        If the instance was lost meanwhile, an error of any kind may be the consequence, so it becomes `Disconnected`;
        an `OctoError` or `ExprError` stays as it is.
        """
        if isinstance(error, Disconnected):
            self.lose(instance, error)
        elif instance is not self.instance and not isinstance(error, OctoError | ExprError):
            lost = Disconnected(f'the connection of "{self.doc.name}" was lost meanwhile: {type(error).__name__}')
            lost.__cause__ = error
            return lost
        return error

    def retire(self) -> None:
        """Close the connector, or stop opening it: it has no users any more."""
        self._is_unused = True
        self._over.set()
        if self._task is not None and (self.instance is None or isinstance(self.instance, Lost)):
            self._task.cancel()

    # --- its life ------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Keep the connector open until it retires. If the first `open` fails, `ready` raises its error."""
        self._task = asyncio.current_task()
        failures = Failures(PAUSES)
        try:
            while not self._is_unused:
                held = await self._hold()
                if held is None or self._is_unused:
                    return
                await asyncio.sleep(failures.failed(held))
        except asyncio.CancelledError:
            if not self._is_unused:
                raise
        finally:
            self.ready.cancel()  # does nothing if it is done
            self.closed.set()

    async def _hold(self) -> float | None:
        """Open it, and close it when it is lost or retires; return how many seconds it was open.

        Returns None if the first `open` failed: it is not tried again.
        """
        clock = asyncio.get_running_loop().time
        opened = None
        self._over.clear()
        try:
            async with asyncio.timeout(None) as limit, self._open() as instance:
                opened = clock()
                await self._opened(instance)
                await self._over.wait()
                if not self._is_unused:
                    await self._parted()
                limit.reschedule(clock() + CLOSING)
        except Exception as error:  # noqa: BLE001  any component's code: `ready` raises it, or it is logged
            if not self.ready.done():
                self.ready.set_exception(error)
                return None
            self._failed(error, is_open=opened is not None)
        return 0.0 if opened is None else clock() - opened

    def _open(self) -> Any:
        type_, settings = self.doc.type, self.doc.settings
        if self.doc.stub is None:
            return type_.cls.open(settings, **self._services.handed(type_.services))  # type: ignore[attr-defined]
        assert type_.stub is not None
        handed = self._services.handed(type_.stub.services)
        return type_.stub.function(type_.cls, settings, self.doc.stub, **handed)

    async def _opened(self, instance: Any) -> None:
        is_first, self.instance = self.instance is None, instance
        if is_first:
            self.ready.set_result(None)
            return
        log.info("connection open again", extra=fields(connector=self.doc.name))
        try:
            for user in tuple(filter(None, self.users)):
                await user.join(self.doc.name, instance)
        except Exception as error:
            log.exception("sources did not start again", extra=fields(connector=self.doc.name))
            self.lose(instance, Disconnected(f"sources did not start again: {_text(error)}"))

    async def _parted(self) -> None:
        for user in tuple(filter(None, self.users)):
            await user.part(self.doc.name, self.instance)

    def _failed(self, error: Exception, *, is_open: bool) -> None:
        if is_open:
            log.error("connector did not close cleanly", extra=fields(connector=self.doc.name), exc_info=error)
            return
        self.instance.reason = _text(error)
        log.warning("connector does not open yet", extra=fields(connector=self.doc.name, error=_text(error)))


class Connections:
    """Acquire and release connectors by their document; equal documents share one connection.

    services: those that connectors, sources and blocks can ask for.
    """

    def __init__(self, tasks: asyncio.TaskGroup, services: Services = NO_SERVICES) -> None:
        self.services = services
        self._tasks = tasks
        self._open: list[Connection] = []

    async def acquire(self, doc: ConnectorDoc, user: User | None = None) -> Connection:
        """Return the connection, open or being opened again. Raises `StartError` if its first `open` fails."""
        connection = self._find(doc)
        if connection is None:
            kind = doc.type.name if doc.stub is None else f"stub of {doc.type.name}"
            log.info("starting connector", extra=fields(connector=doc.name, type=kind))
            connection = Connection(doc, self.services)
            self._open.append(connection)
            self._tasks.create_task(connection.live())
        connection.users.append(user)
        try:
            await asyncio.shield(connection.ready)
        except asyncio.CancelledError:
            await self.release(connection, user)
            raise
        except Exception as error:
            await self.release(connection, user)
            code = error.code if isinstance(error, OctoError) else None
            text = f'connector "{doc.name}" ({doc.type.name}) did not start: {_text(error)}'
            raise StartError(text, code=code, at=doc.at) from error
        return connection

    async def release(self, connection: Connection, user: User | None = None) -> None:
        """Give the connection back; for its last user this returns once it is closed."""
        connection.users.remove(user)
        if not connection.users:
            self._open.remove(connection)
            connection.retire()
            await connection.closed.wait()

    def _find(self, doc: ConnectorDoc) -> Connection | None:
        return next((each for each in self._open if each.doc.key == doc.key), None)


def _text(error: Exception) -> str:
    return str(error) if isinstance(error, OctoError) else f"{type(error).__name__}: {error}"
