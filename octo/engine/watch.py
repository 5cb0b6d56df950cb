"""Watch the files a configuration is made of, and nothing else.

A change counts when the content of a watched file differs and the files are whole: saving without a change, touching,
or a database written in the same folder causes no reload, and neither does a file that is being saved. Changes in a
burst are gathered: the files must rest for `SETTLE`, and for `CAREFUL` if something may still be missing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import cache
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from octo.core.log import fields
from octo.engine.prints import Prints, being_written, files, fingerprint, may_be_cut

__all__ = ["Watch", "fingerprint", "notices"]

Given = TypeVarTuple("Given")
T = TypeVar("T")

log = logging.getLogger("octo.engine")

QUIET = 50
"""Milliseconds without a change that end a burst of notices."""
LONGEST_BURST = 1000
"""Milliseconds after which a burst of notices counts even if it goes on."""

FALLBACK = 2000
"""Milliseconds after which the files are read even without a notice: some file systems give none."""

SETTLE = 0.1
"""Seconds for which the files must not change before they are read. Authors wait for it after every save."""
CAREFUL = 1.5
"""The same if a file is gone or new, is shorter and ends elsewhere, or changes again: it may be saved in parts."""
LONGEST = 30.0
"""Seconds after which files that never rest, or that a program keeps open for writing, are read as they are."""


async def notices(paths: Iterable[Path], stop: asyncio.Event | None = None) -> AsyncGenerator[object, None]:
    """Yield when something changes in the files' folders, and every `FALLBACK` anyhow; end when `stop` is set.

    The first time it yields at once: from then on no change is missed. Where the system gives no notices, because its
    limit of watches is reached or a folder has just been removed, only the time counts.
    """
    from watchfiles._rust_notify import RustNotify  # `awatch` does not tell when it has begun

    folders = {path if path.is_dir() else path.parent for path in map(Path.absolute, paths)}
    ended = _Ended(stop)
    try:
        with RustNotify([str(folder) for folder in folders if folder.is_dir()], *_SWITCHES) as watching:
            yield set()
            while (found := await _in_thread(watching.watch, LONGEST_BURST, QUIET, FALLBACK, ended)) != "stop":
                yield found if isinstance(found, set) else set()
    except (OSError, RuntimeError) as error:
        log.debug("no notices of changes, looking now and then", extra=fields(error=str(error)))
        while not await _stopped(stop, FALLBACK / 1000):
            yield set()
    finally:
        ended.set()


_SWITCHES = (False, False, 0, False, False)
"""No debugging, no polling and no pause between polls, no folders within, no silence about forbidden ones."""


class _Ended:
    """Set when `stop` is, and when the notices are no longer wanted: the thread that waits for them ends then."""

    def __init__(self, stop: asyncio.Event | None) -> None:
        self._stop = stop
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set or (self._stop is not None and self._stop.is_set())

    def set(self) -> None:
        self._is_set = True


class Watch:
    """The files as they were before they were last read, so that an edit during the reading is not lost.

    named: returns the files that decide what reading gives, as far as is known; called again after each reading.
    """

    def __init__(self, named: Callable[[], Iterable[Path]]) -> None:
        self._named = named
        self._files: set[Path] = set()
        self._seen: Prints = {}
        self._good: Prints = {}

    def read(self, load: Callable[[], T]) -> T:
        """Return or raise what `load` does.

        Invariant: the fingerprint of a file is taken before it is read. If a reading names further files, everything is
        read once more, because they have no fingerprint yet.
        """
        while True:
            self._files = set(self._named())
            self._seen = fingerprint(self._files)
            try:
                found = load()
            except Exception:
                if self._knows_all():
                    raise
            else:
                if self._knows_all():
                    self._good = self._seen
                    return found

    def _knows_all(self) -> bool:
        return files(self._named()) <= files(self._files)

    async def changed(self, stop: asyncio.Event | None = None, pause: float | None = None) -> bool:
        """Wait until the files differ from what they were before they were read, and are whole.

        pause: seconds after which it no longer waits for a change. Returns False if they are over or `stop` is set.
        """
        while not (stop is not None and stop.is_set()) and await self._noticed(stop, pause):
            if await self._settled(stop):
                return True
        return False

    async def _noticed(self, stop: asyncio.Event | None, pause: float | None) -> bool:
        try:
            async with asyncio.timeout(pause):
                return await self._told(stop)
        except TimeoutError:
            return await self._differs()

    async def _told(self, stop: asyncio.Event | None) -> bool:
        async with aclosing(notices(self._files, stop)) as happening:
            async for _ in happening:
                if await self._differs():
                    return True
        return False

    async def _settled(self, stop: asyncio.Event | None) -> bool:
        """Wait until the files are whole, or `LONGEST` is over; return whether they still differ."""
        end = asyncio.get_running_loop().time() + LONGEST
        now = await self._look()
        in_parts, waits_for = False, None
        while not await _stopped(stop, CAREFUL if in_parts or may_be_cut(self._good, now) else SETTLE):
            before, now = now, await self._look()
            in_parts |= now != before
            writing = await _in_thread(being_written, _different(self._good, now))
            if writing not in (None, waits_for):
                log.info("a file is still being written", extra=fields(file=str(writing)))
            waits_for = writing
            if (now == before and writing is None) or asyncio.get_running_loop().time() >= end:
                return now != self._seen
        return False

    async def _differs(self) -> bool:
        return await self._look() != self._seen

    async def _look(self) -> Prints:
        """Read the files, in a thread: a slow disk must not hold up messages."""
        return await _in_thread(fingerprint, self._files)


def _different(one: Prints, other: Prints) -> set[Path]:
    return {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}


_MOST_THREADS = 3
"""One waits for notices, one reads, and one more may still be about to end."""


@cache
def _threads() -> ThreadPoolExecutor:
    """Threads of its own: blocks that hang may hold all of asyncio's, and an edit must still be able to mend that."""
    return ThreadPoolExecutor(_MOST_THREADS, "octo-watch")


async def _in_thread(function: Callable[[*Given], T], *args: *Given) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads(), function, *args)


async def _stopped(stop: asyncio.Event | None, seconds: float) -> bool:
    """Wait this long; return at once, and True, if `stop` is set."""
    if stop is None:
        await asyncio.sleep(seconds)
        return False
    try:
        async with asyncio.timeout(seconds):
            return await stop.wait()
    except TimeoutError:
        return False
