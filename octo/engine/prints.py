"""What is remembered of files in order to see that they changed, and that they are whole.

A file that is saved slowly can be read before its end is there, and the beginning of a YAML file often is valid YAML.
Two signs tell it: a program still has the file open for writing, or the text is shorter than before and ends elsewhere.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from octo.config.files import yaml_files

MOST_BYTES = 64 * 1024 * 1024
"""What lies beyond is not looked at; no file of a configuration is nearly that large."""
_END = 64


class Print(NamedTuple):
    """A file's content. end: its last characters, without white space at the end."""

    digest: bytes
    size: int
    end: bytes


Prints = Mapping[Path, Print | None]
"""By path; None for a file that is missing, cannot be read or is no regular file."""


def files(paths: Iterable[Path]) -> set[Path]:
    """Return the files; in place of a folder those that it contributes now."""
    found: set[Path] = set()
    for path in paths:
        try:
            found.update(yaml_files(path))
        except OSError:
            found.add(path)
    return found


def fingerprint(paths: Iterable[Path]) -> Prints:
    """Return the prints of files and of the YAML files in folders. Times of changes are left out.

    Some file systems keep them to the second only, and a tool that writes the same again changes nothing.
    """
    return {path: _print(path) for path in files(paths)}


def _print(path: Path) -> Print | None:
    try:
        if not S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as file:
            data = file.read(MOST_BYTES)
    except OSError:
        return None
    return Print(hashlib.blake2b(data).digest(), len(data), data.rstrip()[-_END:])


def may_be_cut(good: Prints, now: Prints) -> bool:
    """Whether something may still be missing, compared with what was good before.

    That is so if a file is gone, is new (nothing tells where it ends), or is shorter and ends elsewhere.
    """
    return any(_may_be_cut(good.get(path), now.get(path)) for path in good.keys() | now.keys())


def _may_be_cut(old: Print | None, new: Print | None) -> bool:
    if old == new:
        return False
    if old is None or new is None:
        return True
    return new.size < old.size and new.end != old.end


def being_written(paths: Iterable[Path]) -> Path | None:
    """Return the first of these files that some program has open for writing.

    None as well where the system does not tell: not on Linux, on some network file systems, for files of other users.
    """
    return next((path for path in sorted(paths) if _is_being_written(path)), None)


def _is_being_written(path: Path) -> bool:
    """Ask for a lease: the system grants one for reading only while nobody has the file open for writing.

    It ends with the descriptor. Should a writer come in between, the signal about it is one that is ignored by default:
    that of leases would end the process.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    return False
