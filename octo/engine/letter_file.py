"""A file of dead letters: one line of JSON for each, safe on the disk before anybody hears that it is kept.

    {"id": ID, "letter": {...}, "message": {...}, "sum": N}    a message that failed; a later line of the same id
                                                               replaces it
    {"settled": ID, "sum": N}                                  it was replayed or purged

`sum` is the CRC-32 of the line without it; a line that does not fit its sum is unreadable, and kept.

The file is only ever appended to, so a crash in the middle of a replay loses nothing; `compact` leaves out what is
settled. Processes that append or compact take turns by a lock on the file.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from octo.core import codec
from octo.core.errors import NoRoom, OctoError, Permanent, Transient

LARGEST_LINE = 16 << 20
"""Bytes of one letter with its message."""
_SUM = b',"sum":'
LARGEST_FILE = 1 << 30
"""Bytes of a file: then it must be replayed or purged before it takes more."""


class Line(NamedTuple):
    """A letter in a file, as values."""

    id: str
    letter: Any
    message: Any


class Contents(NamedTuple):
    """Where the letters are, in the order in which their messages first came: offset by id.

    unreadable: how many lines are none of Octo's.
    """

    places: dict[str, int]
    unreadable: int


def append(path: Path, line: Line) -> None:
    """Add a letter, or put it in place of the one with its id. Raises `Permanent`, `NoRoom` or `Transient`."""
    data = _summed(codec.write_kinds(line._asdict()))
    if len(data) > LARGEST_LINE:
        raise Permanent(f"the dead letter has {len(data):,} bytes, and a file takes at most {LARGEST_LINE:,}")
    _append(path, data)


def settle(path: Path, id: str) -> None:  # noqa: A002  its name in the file
    """Note that the letter of this id is done."""
    _append(path, _summed(codec.write({"settled": id})))


def contents(path: Path) -> Contents:
    """What is in the file; nothing if there is no file. Raises `Transient` if it cannot be read."""
    found, unreadable = Contents({}, 0), 0
    with _translated(path, "read"):
        if not path.exists():
            return found
        with path.open("rb") as file:
            for offset, value in _lines(file):
                if _is_letter(value):
                    found.places[value["id"]] = offset
                elif _is_mark(value):
                    found.places.pop(value["settled"], None)
                else:
                    unreadable += 1
    return found._replace(unreadable=unreadable)


def _is_letter(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str)


def _is_mark(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("settled"), str)


def lines(path: Path, offsets: Collection[int]) -> Iterator[Line]:
    """The letters at these offsets, which `contents` gave, one after the other."""
    with _translated(path, "read"), path.open("rb") as file:
        for offset in offsets:
            file.seek(offset)
            value = codec.read(file.readline(LARGEST_LINE + 1))
            assert isinstance(value, dict)
            yield Line(value["id"], value.get("letter"), value.get("message"))


def compact(path: Path) -> None:
    """Leave out what is settled; a file in which nothing is left is removed."""
    with _translated(path, "write"), _locked(path, create=False) as file:
        if file is None:
            return
        found = contents(path)
        if not found.places and not found.unreadable:
            path.unlink()
            return
        fresh = path.with_name(f"{path.name}.part")
        with fresh.open("wb") as target:
            os.fchmod(target.fileno(), 0o600)
            for data in _kept(file, set(found.places.values())):
                target.write(data)
            target.flush()
            os.fsync(target.fileno())
        fresh.replace(path)
        _sync_folder(path)


def _kept(file: IO[bytes], offsets: Collection[int]) -> Iterator[bytes]:
    """The lines at these offsets, and those that nobody can read."""
    for offset, value in _lines(file):
        if offset in offsets or not (_is_letter(value) or _is_mark(value)):
            file.seek(offset)
            yield file.readline(LARGEST_LINE + 1).removesuffix(b"\n") + b"\n"


def _lines(file: IO[bytes]) -> Iterator[tuple[int, Any]]:
    """Each line with its offset; None for one that is no JSON, or longer than any letter."""
    file.seek(0)
    offset = 0
    while data := file.readline(LARGEST_LINE + 1):
        size = len(data)
        while not data.endswith(b"\n") and (more := file.readline(LARGEST_LINE)):
            data, size = more, size + len(more)
        if data.strip():
            yield offset, _value(data) if size <= LARGEST_LINE + 1 else None
        offset += size
        file.seek(offset)


def _summed(data: bytes) -> bytes:
    """The object as a line."""
    return b"%s%s%d}\n" % (data[:-1], _SUM, zlib.crc32(data))


def _value(data: bytes) -> Any:
    """What the line says; None if it is not as it was written. Lines of earlier versions have no sum."""
    head, mark, end = data.rstrip(b"\n").rpartition(_SUM)
    if mark and end[:-1].isdigit() and end.endswith(b"}") and zlib.crc32(head + b"}") != int(end[:-1]):
        return None
    try:
        return codec.read(data)
    except codec.NotJson:
        return None


def _append(path: Path, data: bytes) -> None:
    with _translated(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path, create=True) as file:
            assert file is not None
            size = file.seek(0, os.SEEK_END)
            if size + len(data) > LARGEST_FILE:
                raise NoRoom(f"the file of dead letters {str(path)!r} has {size:,} bytes: replay or purge them")
            if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
                data = b"\n" + data  # a process ended in the middle of the line before
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not size:
            _sync_folder(path)


@contextmanager
def _locked(path: Path, *, create: bool) -> Iterator[IO[bytes] | None]:
    """The file, while nobody else appends or compacts; None if there is none and none is created."""
    while True:
        flags = os.O_RDWR | os.O_APPEND | (os.O_CREAT if create else 0)
        try:
            file = os.fdopen(os.open(path, flags, 0o600), "r+b")
        except FileNotFoundError:
            if create:
                raise
            yield None
            return
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_at(path, file):
                yield file
                return
            # It was compacted since it was opened: the name leads to another file.


def _is_at(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _translated(path: Path, verb: str) -> Iterator[None]:
    try:
        yield
    except OctoError:
        raise
    except OSError as error:
        raise Transient(f"cannot {verb} the dead letters in {str(path)!r}: {error.strerror or error}") from error
