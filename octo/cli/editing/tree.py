"""The files of the project as a page sees them: what each is for, and in which version it is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from octo.cli.authoring.folder import Folder, Rules, hash_of
from octo.cli.authoring.refusal import Refused
from octo.cli.editing import codes
from octo.config.files import SUFFIXES, is_test
from octo.config.load import SECTIONS
from octo.config.yaml import MOST_BYTES

MOST_FILES = 2_000
"""Files that are listed, at most."""
RULES = Rules(read=None, written=None, most_bytes=MOST_BYTES, hides=False)
"""Whoever edits is at home here: any text, of the size that Octo reads."""

WITH_ENV = RULES._replace(dotted=frozenset({".env"}), mode=0o600)
"""For what reads a configuration, and for the variables that a page shows by themselves."""

_SECTION = re.compile(rf"^(?:{'|'.join(SECTIONS)})\s*:".encode(), re.MULTILINE)
_CONTENT = re.compile(rb"^\s*[^#\s]", re.MULTILINE)

Stamp = tuple[int, int, int]


class Entry(NamedTuple):
    """A file. kind: flow, test, env or resource. etag: of its text, "" of a file that is too large to be opened."""

    path: str
    kind: str
    size: int
    etag: str

    def as_json(self) -> dict[str, object]:
        return self._asdict()


class Tree:
    """The files of a folder. What was read once is not read again until it changes.

    is_whole: whether the last `entries` were all that there are.
    """

    def __init__(self, folder: Folder) -> None:
        self.is_whole = True
        self._folder = folder
        self._known: dict[str, tuple[Stamp, Entry]] = {}

    def entries(self) -> list[Entry]:
        """All of them, sorted by path, but for those beyond `MOST_FILES`. Raises `Refused` if the folder is gone."""
        if not self._folder.root.is_dir():
            raise Refused(codes.GONE, "the folder is gone", "put it back, or open it where it is now")
        found = sorted(self._each(), key=lambda each: each.path)
        self._known = {each.path: self._known[each.path] for each in found}
        return found

    def _each(self) -> Iterator[Entry]:
        for path, stat in self._few():
            name = path.as_posix()
            known = self._known.get(name)
            if known is None or known[0] != stamp(stat):
                entry = self._read(path, stat)
                if entry is None:
                    continue
                known = self._known[name] = (stamp(stat), entry)
            yield known[1]

    def _few(self) -> Iterator[tuple[Path, os.stat_result]]:
        self.is_whole = False
        try:
            yield from islice(walked := self._folder.walk(), MOST_FILES)
            self.is_whole = next(walked, None) is None
        except Refused:
            return  # there are so many that they are not even counted

    def _read(self, path: Path, stat: os.stat_result) -> Entry | None:
        name = path.as_posix()
        if stat.st_size > MOST_BYTES:
            return Entry(name, "resource", stat.st_size, "")
        try:
            data = self._folder.data(name)
        except (Refused, OSError):  # it may not be read
            return Entry(name, "resource", stat.st_size, "")
        return None if data is None else of_data(path, data)


def of_data(path: Path, data: bytes) -> Entry:
    return Entry(path.as_posix(), kind(path, data), len(data), hash_of(data))


def of_text(path: str, text: str) -> Entry:
    return of_data(Path(path), text.encode("utf-8", "surrogatepass"))


def stamp(stat: os.stat_result) -> Stamp:
    """What tells two versions of a file apart without reading them."""
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def kind(path: Path, data: bytes) -> str:
    """What a file is for. YAML that has no section of a configuration is a resource, such as an OpenAPI document."""
    if path.suffix == ".env":
        return "env"
    if path.suffix.lower() not in SUFFIXES:
        return "resource"
    if is_test(path):
        return "test"
    return "flow" if _SECTION.search(data) or not _CONTENT.search(data) else "resource"
