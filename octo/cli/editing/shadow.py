"""A copy of the project in which unsaved texts stand in the place of saved ones.

What reads or runs a project reads files; so what a page has not saved yet is checked, tested and run by the same code
as ever, and the files of the project stay as they are. Each file is written beside and renamed: what watches the copy
never sees half of one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Self

from octo.cli.authoring import codes
from octo.cli.authoring.folder import Folder, parted
from octo.cli.authoring.refusal import Refused
from octo.cli.editing.tree import MOST_FILES, RULES, stamp

MOST_COPIED = 4 << 20
"""Bytes of a saved file that is copied: larger ones are no part of a configuration."""
_NAME = "octo-edit-"

Texts = Mapping[str, str | None]
"""The unsaved text of each file, None for one that is removed."""


class Shadow:
    """A copy of a folder, whose `.env` files belong to it. Use `open`.

    base: a folder of this user alone, which goes with it. root: the copy, in it.
    """

    def __init__(self, folder: Folder, base: Path) -> None:
        self.base = base
        self.root = base / "copy"
        self.root.mkdir()
        self._folder = folder
        self._made: dict[str, object] = {}
        self._turn = threading.Lock()

    @classmethod
    @contextmanager
    def open(cls, folder: Folder) -> Iterator[Self]:
        """A context that leaves no copy behind. Only this user may read it."""
        base = Path(tempfile.mkdtemp(prefix=f"{_NAME}{os.getpid()}-")).resolve()
        try:
            yield cls(folder, base)
        finally:
            shutil.rmtree(base, ignore_errors=True)

    def update(self, texts: Texts) -> None:
        """Make it the project as it is, with these texts in place. Raises `Refused` for a path that leads outside."""
        for name in texts:
            parted(name, rules=RULES)
        with self._turn:
            wanted = {**self._saved(), **{name: _mark(text) for name, text in texts.items() if text is not None}}
            for name in self._made.keys() - wanted.keys() | {name for name, text in texts.items() if text is None}:
                (self.root / name).unlink(missing_ok=True)
                self._made.pop(name, None)
                wanted.pop(name, None)
            for name, mark in wanted.items():
                if self._made.get(name) != mark:
                    self._make(name, texts.get(name))
                    self._made[name] = mark

    def _saved(self) -> dict[str, object]:
        return {
            path.as_posix(): stamp(stat)
            for path, stat in islice(self._folder.walk(), MOST_FILES)
            if stat.st_size <= MOST_COPIED
        }

    def _make(self, name: str, text: str | None) -> None:
        data = self._folder.data(name) if text is None else text.encode()
        if data is None:
            return  # it has just been removed
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name[:60]}~")
        beside.write_bytes(data)
        beside.replace(path)


def sweep() -> None:
    """Remove the copies of this user's editors that were killed."""
    for each in Path(tempfile.gettempdir()).glob(f"{_NAME}*-*"):
        pid = each.name.removeprefix(_NAME).partition("-")[0]
        with suppress(OSError):
            if each.stat(follow_symlinks=False).st_uid == os.getuid() and pid.isdigit() and not _lives(int(pid)):
                shutil.rmtree(each, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it is somebody else's
    return True


def _mark(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def refuse_large(texts: Texts, most: int) -> None:
    """Refuse texts that are larger together than a project may be."""
    if sum(len(each or "") for each in texts.values()) > most:
        raise Refused(codes.SIZE, f"the unsaved texts have more than {most >> 20} MiB")
