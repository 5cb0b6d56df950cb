"""Open a file below a folder, and none outside of it."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from mimetypes import MimeTypes
from pathlib import Path

from octo.connectors.http.conditions import Part, Version
from octo.connectors.http.sending import PIECE
from octo.core.errors import Overloaded

WELL_KNOWN = ".well-known"
"""The only name with a dot in front that is served: it is there to be asked for (RFC 8615)."""
_TYPES = MimeTypes(filenames=())  # without the machine's own list, which differs from the next machine's
for _kind, _ending in (
    ("text/javascript", ".js"),
    ("text/javascript", ".mjs"),
    ("application/json", ".map"),
    ("application/manifest+json", ".webmanifest"),
    ("application/wasm", ".wasm"),
    ("text/markdown", ".md"),
    ("image/webp", ".webp"),
    ("image/avif", ".avif"),
    ("image/x-icon", ".ico"),
    ("font/woff", ".woff"),
    ("font/woff2", ".woff2"),
    ("application/yaml", ".yaml"),
):
    _TYPES.add_type(_kind, _ending)
_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
_TEXTS = ("application/json", "application/manifest+json", "application/yaml", "image/svg+xml")


class File:
    """An open file. It is closed with its last reference, at the latest: a client may leave while it is opened."""

    __slots__ = ("_descriptor", "encoding", "kind", "size", "version")

    def __init__(self, descriptor: int, found: os.stat_result, name: str, encoding: str = "") -> None:
        self._descriptor = descriptor
        self.size = found.st_size
        self.kind = kind_of(name)
        self.encoding = encoding
        # A second change within the grain of the clock would not be seen: until then the tag promises less.
        is_settled = time.time() - found.st_mtime > 1
        tag = f'"{found.st_size:x}-{found.st_mtime_ns:x}-{found.st_ino:x}"'
        self.version = Version(tag if is_settled else f"W/{tag}", int(found.st_mtime))

    def pieces(self, part: Part) -> Iterator[bytes]:
        """Yield the bytes of a part; fewer if the file has become shorter."""
        at = part.first
        while at < part.end and (piece := os.pread(self._descriptor, min(PIECE, part.end - at), at)):
            at += len(piece)
            yield piece

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    __del__ = close


def kind_of(name: str) -> str:
    """Return the content type of a file by the ending of its name."""
    kind, coding = _TYPES.guess_type(name, strict=False)
    if coding or not kind:  # a packed file is sent as it is, not as what is in it
        return _PACKED.get(coding or "", "application/octet-stream")
    return f"{kind}; charset=utf-8" if kind.startswith("text/") or kind in _TEXTS else kind


def parts_of(path: str) -> list[str] | None:
    """Return the names in a decoded path, None if one of them is none that is served."""
    names = path.split("/")
    if names[-1] == "":
        names.pop()
    is_served = all(
        name and "\0" not in name and "\\" not in name and (name[0] != "." or name == WELL_KNOWN) for name in names
    )
    return names if is_served else None


def find(folder: Path, names: list[str], *, zipped: bool) -> File | None:
    """Open a regular file below the folder, also one that a link inside the folder leads to; None if there is none.
    Raises `Overloaded` if no more files can be opened.

    zipped: whether the same file with `.gz` at its end may be sent instead.
    """
    path = folder.joinpath(*names)
    if zipped:
        found = _opened(folder, path.with_name(f"{path.name}.gz"), path.name, "gzip")
        if found is not None:
            return found
    return _opened(folder, path, path.name, "")


def is_folder(folder: Path, names: list[str]) -> bool:
    path = folder.joinpath(*names)
    try:
        return _is_inside(folder, path) and path.is_dir()
    except OSError:  # a name that is too long, or a folder that may not be looked into
        return False


def _opened(folder: Path, path: Path, name: str, encoding: str) -> File | None:
    try:
        # A device or a pipe is not even opened: that alone can have effects, or wait for ever.
        if not _is_inside(folder, path) or not stat.S_ISREG(path.stat().st_mode):
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _EXHAUSTED:  # the file may well be there
            raise Overloaded(f"a file cannot be opened: {error.strerror}") from error
        return None
    except ValueError:
        return None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or not _is_still_inside(folder, descriptor):
        os.close(descriptor)
        return None
    return File(descriptor, found, name, encoding)


def _is_inside(folder: Path, path: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a circle of links
        return False


def _is_still_inside(folder: Path, descriptor: int) -> bool:
    """Whether what was opened is inside: a link may have changed since it was looked at (Linux)."""
    try:
        opened = Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        return True
    return opened.is_relative_to(folder.resolve())
