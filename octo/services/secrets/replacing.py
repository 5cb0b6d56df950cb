"""A file that is replaced as a whole: whoever reads it, also after a crash, finds the old content or the new one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE
from tempfile import mkstemp

from octo.core.errors import Permanent
from octo.services import codes


def replace(path: Path, data: bytes) -> None:
    """Put the content in place of the file. A new file is for its owner alone. Raises `Permanent`."""
    target = path.resolve()  # of a link, the file it leads to is replaced, and the link stays
    try:
        _replace(target, data)
    except OSError as error:
        raise Permanent(f"{str(path)!r} cannot be written: {error.strerror}", code=codes.STORE) from None


def _replace(target: Path, data: bytes) -> None:
    file, name = mkstemp(prefix=f".{target.name}.", dir=target.parent)
    beside = Path(name)
    try:
        with os.fdopen(file, "wb") as written:
            _take_over(target, file)
            written.write(data)
            written.flush()
            os.fsync(file)  # before the renaming: else a crash may leave the name with nothing in it
        beside.replace(target)
    except BaseException:
        beside.unlink()
        raise
    _sync(target.parent)


def _take_over(old: Path, file: int) -> None:
    """Give the file the mode and the owner of the old one, if there is one: who could read it still can."""
    with suppress(FileNotFoundError):
        found = old.stat()
        os.fchmod(file, S_IMODE(found.st_mode))
        with suppress(PermissionError):
            os.fchown(file, found.st_uid, found.st_gid)


def _sync(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
