"""A SQLite file and the thread that uses it: all that is asked for while it writes becomes the next transaction.

So a hundred tasks that send at once pay for one `fsync`, not for a hundred. Nothing returns before its transaction is
on disk (write-ahead log, `synchronous=FULL`). Several processes of one machine may use the file at the same time.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from octo.core import clock
from octo.core.beside import beside
from octo.core.errors import OctoError, Permanent, Transient
from octo.services import codes
from octo.services.bells import Bells, Ear
from octo.services.embedded import schema, verify, wal
from octo.services.embedded.damage import damaged
from octo.services.embedded.presence import Presence

log = logging.getLogger("octo.services")

T = TypeVar("T")

Work = Callable[[sqlite3.Connection, float], T]
"""Called with the connection and the wall time in seconds. It looks first and writes then, so that an `OctoError` that
it raises leaves nothing behind."""

BUSY = 10.0
"""Seconds to wait for another process that writes."""
POLL = 0.05
"""Seconds between two looks at what other processes have written, while tasks wait for it."""
MOST = 1000
"""Pieces of work of one transaction, at most."""


class _Asked(NamedTuple):
    work: Work[Any]
    answer: asyncio.Future[Any]


class Store:
    """See the module; made by `opened`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._path = path
        self._connection = connection
        self._presence = Presence(path)
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._asked: deque[_Asked] = deque()
        self._is_working = False
        self._clock: tuple[float, float] | None = None
        self._trouble: BaseException | None = None
        self._bells = Bells()
        self._waiting = 0
        self._somebody_waits = asyncio.Event()

    async def do(self, work: Work[T]) -> T:
        """Run the work in the next transaction; returns once that is on disk.

        Raises what the work raises, `Transient` when nothing could be written, and `Permanent` when the file is
        damaged. A caller that is cancelled leaves the work to be done or not.
        """
        return await self.ask(work)  # type: ignore[no-any-return]

    def ask(self, work: Work[Any]) -> asyncio.Future[Any]:
        """As `do`, for a caller that does not wait."""
        answer = self._loop.create_future()
        self._asked.append(_Asked(work, answer))
        if not self._is_working:
            self._next()
        return answer

    async def health(self) -> None:
        """Raise why nothing can be written, if the last transaction failed and one more does."""
        if self._trouble is not None:
            await self.do(_written)

    # --- transactions ----------------------------------------------------------------------------------------------

    def _next(self) -> None:
        batch = [self._asked.popleft() for _ in range(min(MOST, len(self._asked)))]
        self._is_working = bool(batch)
        if batch:
            works = [each.work for each in batch]
            # Through the loop's own method: virtual time stands still while the thread works.
            done = self._loop.run_in_executor(self._thread, self._transaction, works, *self._time())
            done.add_done_callback(partial(self._answer, batch))

    def _time(self) -> tuple[float, float | None]:
        """The wall time, and what it would be if nobody had set the clock since the last transaction."""
        before, (wall, ticks) = self._clock, (clock.now_ns() / 1e9, self._loop.time())
        self._clock = wall, ticks
        return wall, None if before is None else before[0] + ticks - before[1]

    def _answer(self, batch: list[_Asked], done: asyncio.Future[list[Any]]) -> None:
        self._trouble = error = done.exception()
        results = [error] * len(batch) if error is not None else done.result()
        for each, result in zip(batch, results, strict=True):
            if each.answer.done():  # its caller has gone
                continue
            if isinstance(result, BaseException):
                each.answer.set_exception(result)
            else:
                each.answer.set_result(result)
        self._next()

    def _transaction(self, works: list[Work[Any]], wall: float, expected: float | None) -> list[Any]:
        """In the thread: all works, or none of them. If one has a bug, each for itself: it must not undo the others."""
        try:
            return self._done(works, wall, expected)
        except OctoError:
            raise
        except Exception as error:
            if len(works) == 1:
                raise
            log.warning("a piece of work of the store has a bug", exc_info=error)
        return [self._alone(work, wall, expected) for work in works]

    def _alone(self, work: Work[Any], wall: float, expected: float | None) -> Any:
        try:
            return self._done([work], wall, expected)[0]
        except Exception as error:  # noqa: BLE001  its caller gets it
            return error

    def _done(self, works: list[Work[Any]], wall: float, expected: float | None) -> list[Any]:
        try:
            self._presence.check()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                now = schema.now(self._connection, wall, expected)
                results = [_tried(work, self._connection, now) for work in works]
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # it may be over already
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise failed(self._path, error) from error
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Transient(f"the store {str(self._path)!r} cannot be reached: {reason}", code=codes.STORE) from error
        return results

    # --- waiting ---------------------------------------------------------------------------------------------------

    def ring(self, name: str) -> None:
        """Wake the tasks of this process that wait under this name; those of others find out by themselves."""
        self._bells.ring(name)

    @contextmanager
    def listening(self, name: str) -> Iterator[Ear]:
        """Hear what happens under this name while entered, also between a look and the wait that follows it."""
        self._waiting += 1
        self._somebody_waits.set()
        try:
            with self._bells.listening(name) as ear:
                yield ear
        finally:
            self._waiting -= 1

    async def watch(self) -> None:
        """Ring all bells when another process has written, for as long as somebody waits."""
        seen = None
        while True:
            if not self._waiting:
                self._somebody_waits.clear()
                await self._somebody_waits.wait()
            with suppress(OctoError):  # who asks for something gets the error
                found = await self._loop.run_in_executor(self._thread, self._version)
                if found != seen:
                    self._bells.ring_all()
                seen = found
            await asyncio.sleep(POLL)

    def _version(self) -> int:
        """A number that changes when another connection writes."""
        try:
            return self._connection.execute("PRAGMA data_version").fetchone()[0]  # type: ignore[no-any-return]
        except sqlite3.Error as error:
            raise failed(self._path, error) from error

    async def rest(self) -> None:
        """Wait for what was asked for."""
        while self._is_working:
            answer = self.ask(lambda *_: None)
            await answer


def _written(connection: sqlite3.Connection, _: float) -> None:
    """Write something that changes nothing."""
    connection.execute("UPDATE meta SET value = value WHERE name = 'clock'")


def _tried(work: Work[Any], connection: sqlite3.Connection, now: float) -> Any:
    try:
        return work(connection, now)
    except OctoError as error:
        return error


def failed(path: Path, error: sqlite3.Error) -> OctoError:
    """What an error of SQLite means."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    # A text that is none was none when it was written: Python says so itself, without a code.
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "decode to UTF-8" in str(error):
        return damaged(path, str(error))
    if code == sqlite3.SQLITE_FULL:
        return Transient(f"the disk of the store {str(path)!r} is full; nothing was written", code=codes.FULL)
    return Transient(f"the store {str(path)!r} did not take it: {error}; nothing was written", code=codes.STORE)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Store]:
    """The store in this file, which is created if there is none. Raises `Permanent` if it cannot be used."""
    with ThreadPoolExecutor(1, thread_name_prefix="octo-store") as thread:
        loop = asyncio.get_running_loop()
        connection = await loop.run_in_executor(thread, _connected, path)
        store = Store(path, connection, thread)
        try:
            async with beside(store.watch()):
                yield store
        finally:
            await store.rest()
            await loop.run_in_executor(thread, _close, connection)


def _connected(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if not path.is_file():
            raise OSError(errno.EINVAL, "no regular file")
        wal.check(path)
    except OSError as error:
        raise Permanent(
            f"the store {str(path)!r} cannot be opened: {error.strerror}. Name a file on a local disk in a folder that "
            "Octo may write to, e.g. `sqlite:octo-store/octo.db`",
            code=codes.NOT_STARTED,
        ) from error
    try:
        connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            schema.prepare(connection, path)
            verify.check(connection, path)
            schema.renew(connection)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise failed(path, error) from error
    return connection


def _close(connection: sqlite3.Connection) -> None:
    with closing(connection), suppress(sqlite3.Error):
        connection.execute("PRAGMA optimize")
