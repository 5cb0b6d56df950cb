"""What the instances of a deployment wrote, in the order in which it came: two files of bounded size.

A line is `<when it came> TAB <instance> TAB <text>`. One book for all instances is merged by itself, and its size does
not depend on how often something was restarted.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from octo_platform.deploy.target import LogLine

LARGEST = 5 * 1024 * 1024
"""Bytes of one file; there are two."""
LONGEST = 64 * 1024
"""Bytes of a line; the rest is cut off."""
MOST = 10_000
"""Lines that are read at once."""
_BEHIND = 2_000
"""Lines that a follower may be behind; further ones are left out, and it is told how many."""
_BLOCK = 64 * 1024
_SHORTEST_SECRET = 6
_MASKED = "«secret»".encode()


class Logbook:
    """See the module. folder: of the two files; it may not be there yet, or no more.

    secrets: texts that instances may print past their own masks, e.g. by `print`.
    """

    def __init__(self, folder: Path, largest: int = LARGEST) -> None:
        self._path = folder / "log"
        self._before = folder / "log.1"
        self._largest = largest
        self._descriptor = -1
        self._size = 0
        self._followers: set[_Follower] = set()
        self._is_over = False
        self._secrets: tuple[bytes, ...] = ()

    def mask(self, secrets: Iterable[str]) -> None:
        """Replace these texts from now on, besides those of before."""
        found = {form.encode() for each in secrets for form in _forms(each.strip())} | set(self._secrets)
        self._secrets = tuple(sorted((each for each in found if len(each) >= _SHORTEST_SECRET), key=len, reverse=True))

    def write(self, instance: str, text: bytes) -> str:
        """Add a line. Return its text as it was written: masked, and cut where it is too long.

        What the disk does not take is lost, and no reason to stop what runs.
        """
        for secret in self._secrets:
            text = text.replace(secret, _MASKED)
        shown = text[:LONGEST].decode(errors="replace").replace("\r", " ").replace("\t", " ")
        at = datetime.now(UTC)
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)  # as it will be read
        with suppress(OSError):
            self._append(f"{at.isoformat(timespec='milliseconds')}\t{instance}\t{shown}\n".encode())
        for each in self._followers:
            each.add(LogLine(_time_of(shown) or at, instance, shown))
        return shown

    def _append(self, line: bytes) -> None:
        if self._is_over:
            return
        if self._descriptor < 0:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(self._path, flags, 0o600)
            self._size = os.fstat(self._descriptor).st_size
        if self._size and self._size + len(line) > self._largest:
            self._close_file()
            self._path.replace(self._before)
            self._append(line)
            return
        self._size += os.write(self._descriptor, line)

    def _close_file(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def close(self) -> None:
        """Write no more, and let the followers end."""
        self._is_over = True
        self._close_file()
        for each in self._followers:
            each.event.set()

    async def read(self, lines: int, *, follow: bool) -> AsyncIterator[LogLine]:
        """The last lines, at most `MOST`; then, with `follow`, new ones until the book is closed."""
        follower = _Follower()
        # Invariant: nothing is awaited between these two, so that no line is missing and none comes twice.
        if follow and not self._is_over:
            self._followers.add(follower)
        last = self._last(min(lines, MOST))
        try:
            for each in last:
                yield each
            while follow and not self._is_over:
                await follower.event.wait()
                for each in follower.take():
                    yield each
        finally:
            self._followers.discard(follower)

    def _last(self, count: int) -> list[LogLine]:
        found: deque[LogLine] = deque()
        for path in (self._path, self._before):
            with suppress(OSError):  # nothing was written yet
                for line in _backwards(path):
                    if len(found) == count:
                        return list(found)
                    if (read := _read(line)) is not None:
                        found.appendleft(read)
        return list(found)


def _forms(secret: str) -> Iterator[str]:
    """How a secret may stand in a log: as it is, in JSON, and line by line."""
    yield secret
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
    lines = [each.strip() for each in secret.splitlines()]
    yield from (each for each in lines if len(lines) > 1 and not each.startswith("-----"))


class _Follower:
    """What a follower has not been told yet."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self._lines: deque[LogLine] = deque()
        self._left_out = 0

    def add(self, line: LogLine) -> None:
        if len(self._lines) >= _BEHIND:
            self._left_out += 1
        else:
            self._lines.append(line)
        self.event.set()

    def take(self) -> list[LogLine]:
        self.event.clear()
        lines, left_out = list(self._lines), self._left_out
        self._lines.clear()
        self._left_out = 0
        return [*lines, LogLine(None, "", f"{left_out} lines are left out")] if left_out else lines


def _backwards(path: Path) -> Iterator[bytes]:
    """The lines of a file, the last one first."""
    with path.open("rb") as file:
        left = file.seek(0, os.SEEK_END)
        rest = b""
        while left > 0:
            size = min(_BLOCK, left)
            left -= size
            file.seek(left)
            first, *lines = (file.read(size) + rest).split(b"\n")
            yield from reversed(lines)
            rest = first
        yield rest


def _read(line: bytes) -> LogLine | None:
    at, tab, rest = line.decode(errors="replace").partition("\t")
    instance, second, text = rest.partition("\t")
    if not tab or not second:
        return None  # empty, or cut off by a full disk
    with suppress(ValueError):
        return LogLine(_time_of(text) or datetime.fromisoformat(at), instance, text)
    return None


def _time_of(text: str) -> datetime | None:
    """When a line of `--log-format json` says that it was written."""
    if text.startswith('{"time":'):
        with suppress(ValueError, TypeError, KeyError, RecursionError):
            return datetime.fromisoformat(json.loads(text)["time"])
    return None
