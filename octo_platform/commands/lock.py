"""One platform for each folder, and each file of SQLite: a lock that the system releases with the process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from octo_platform.options import Options


class Locked(Exception):
    """Another process uses it."""


@contextmanager
def locked(options: Options) -> Iterator[None]:
    """Hold the folder, which is made if it is not there, and the file of the database. Raises `Locked`, or OSError."""
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(
            _locked(options.folder / "lock", options.folder, "one platform has one folder; choose --folder")
        )
        if "://" not in options.place:
            database = Path(options.place.removeprefix("sqlite:")).absolute()
            if database.parent != options.folder.absolute():
                path = database.with_name(f"{database.name}.lock")
                stack.enter_context(_locked(path, database, "one platform has a file of its own; choose --database"))
        yield


@contextmanager
def _locked(path: Path, place: Path, hint: str) -> Iterator[None]:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(file, 20, 0).decode(errors="replace").strip()
            user = f"process {owner}" if owner.isdigit() else "another process"
            raise Locked(f"{place} is used by {user}: {hint}") from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(file)
