"""Large content: kept in a file instead of in memory, and read as often as needed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path

from octo.core.errors import NoRoom, system_reason

THRESHOLD = 1024 * 1024
"""Content of more bytes than this is spooled."""
FOLDER = "OCTO_SPOOL_DIR"
"""The environment variable that names the folder of spooled content. Default: the system's for temporary files."""
CHUNK = 64 * 1024


class Content:
    """Bytes in a file without a name: the file is gone with the last reference, however the process ends.

    Several readers can read it at once, each from the beginning. Two contents are equal when their bytes are.
    """

    __slots__ = ("_file", "size")

    def __init__(self, file: int, size: int) -> None:
        self._file = file
        self.size = size

    def stream(self, chunk: int = CHUNK) -> Iterator[bytes]:
        """The bytes, at most `chunk` at a time."""
        at = 0
        while data := os.pread(self._file, min(chunk, self.size - at), at):
            at += len(data)
            yield data

    def read(self) -> bytes:
        """All bytes."""
        return b"".join(self.stream())

    __bytes__ = read

    def mapped(self) -> mmap:
        """The bytes as memory that the system fills from the file when it is read."""
        return mmap(self._file, self.size, access=ACCESS_READ)

    def __len__(self) -> int:
        return self.size

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Content):
            return self.size == other.size and all(map(bytes.__eq__, self.stream(), other.stream()))
        return self.size == len(other) and self.read() == other if isinstance(other, bytes) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it would have to read all

    def __deepcopy__(self, memo: object) -> Content:
        return self

    def __repr__(self) -> str:
        return f"<Content of {self.size} bytes>"

    def __del__(self) -> None:
        os.close(self._file)


class Spool:
    """Takes bytes piece by piece: in memory up to the threshold, in a file beyond it. Raises `NoRoom`."""

    def __init__(self, threshold: int = THRESHOLD) -> None:
        self._threshold = threshold
        self._pieces: list[bytes] = []
        self._content: Content | None = None
        self.size = 0

    def write(self, piece: bytes) -> None:
        self.size += len(piece)
        if self._content is None:
            self._pieces.append(piece)
            if self.size <= self._threshold:
                return
            piece, self._pieces = b"".join(self._pieces), []
        try:
            if self._content is None:
                self._content = Content(_unnamed(), 0)
            _append(self._content, piece)
        except OSError as error:
            raise self._full(error) from None

    def finish(self) -> bytes | Content:
        """What was written: bytes, or content if there were more than the threshold."""
        return b"".join(self._pieces) if self._content is None else self._content

    def _full(self, error: OSError) -> NoRoom:
        """The error for a disk that is full. What was written gives its room back at once."""
        if self._content is not None:
            with suppress(OSError):
                os.ftruncate(self._content._file, 0)  # noqa: SLF001  the other half of this class
        folder = os.environ.get(FOLDER) or tempfile.tempdir or "the folder for temporary files"
        return NoRoom(f"content of {self.size} bytes or more cannot be kept in {folder}: {system_reason(error)}")


def _append(content: Content, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        written = os.pwrite(content._file, view, content.size)  # noqa: SLF001  the other half of this class
        content.size += written
        view = view[written:]


def _unnamed() -> int:
    """A new file that no other process can open: its mode is 0600, and its name is removed at once."""
    file, path = tempfile.mkstemp(prefix="octo-", dir=os.environ.get(FOLDER) or None)
    Path(path).unlink()
    return file
