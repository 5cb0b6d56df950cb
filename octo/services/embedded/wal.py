"""The write-ahead log must be as long as its index says, which a killed process leaves behind.

Formats: https://www.sqlite.org/walformat.html and https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from octo.services.embedded.damage import damaged


class _Index(NamedTuple):
    """frames: committed ones, in the log of this salt. copied: how many of them are in the file as well."""

    frames: int
    copied: int
    salt: bytes


def check(path: Path) -> None:
    """Raise `Damaged` if the log of the store has fewer whole frames than were committed."""
    index = _index(path)
    if index is None or index.copied >= index.frames:
        return
    log = path.with_name(f"{path.name}-wal")
    data = log.read_bytes() if log.exists() else b""
    whole = sum(1 for _ in _frames(data)) if data[16:24] == index.salt else 0
    if whole < index.frames and _index(path) == index:  # else another process has written meanwhile
        raise damaged(path, f"its log has {whole:,} whole pages of the {index.frames:,} that were written")


def _index(path: Path) -> _Index | None:
    """What the index says; None if there is none, or if a change of it was cut off."""
    try:
        with path.with_name(f"{path.name}-shm").open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return None
    if len(header) < 100 or header[:48] != header[48:96]:
        return None
    version, initialised, frames = struct.unpack("=I8xB3xI", header[:20])
    (copied,) = struct.unpack("=I", header[96:])
    return _Index(frames, copied, header[32:40]) if version and initialised else None


def _frames(data: bytes) -> Iterator[int]:
    """The numbers of the frames that are whole, up to the first that is not."""
    if len(data) < 32:
        return
    magic, _, page = struct.unpack(">III", data[:12])
    order = ">" if magic & 1 else "<"
    sums = _summed(data[:24], (0, 0), order)
    if struct.pack(">II", *sums) != data[24:32]:
        return
    size = 24 + page
    for number, at in enumerate(range(32, len(data) - size + 1, size)):
        head = data[at : at + 24]
        sums = _summed(data[at + 24 : at + size], _summed(head[:8], sums, order), order)
        if head[8:16] != data[16:24] or head[16:24] != struct.pack(">II", *sums):
            return
        yield number


def _summed(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = sums
    for one, two in struct.iter_unpack(f"{order}II", data):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second
