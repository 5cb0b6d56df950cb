"""One `octo edit`: the project, and what all its pages share."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Self

from octo import __version__
from octo.cli.authoring.folder import Folder
from octo.cli.authoring.worker import Worker
from octo.cli.components import components
from octo.cli.editing.checking import Checker
from octo.cli.editing.entrance import Entrance
from octo.cli.editing.feed import Feed
from octo.cli.editing.shadow import Shadow
from octo.cli.editing.tree import RULES, WITH_ENV, Tree
from octo.cli.editing.watching import Watcher
from octo.core import codec

WORK = "octo.cli.editing.work"


class Opened(NamedTuple):
    """What the editor was opened with: a folder, and the name of the one flow file in it that was meant, or ""."""

    root: Path
    only: str = ""

    @classmethod
    def of(cls, path: Path) -> Self:
        path = path.resolve()
        return cls(path) if path.is_dir() else cls(path.parent, path.name)


class Editor:
    """What handlers need. Use `open`. only: as in `Opened`."""

    def __init__(self, folder: Folder, only: str, entrance: Entrance, checker: Checker) -> None:
        self.folder = folder
        self.only = only
        self.entrance = entrance
        self.checker = checker
        self.feed = Feed()
        self.watcher = Watcher(folder.root, Tree(folder), self.feed)

    @classmethod
    @asynccontextmanager
    async def open(cls, opened: Opened, entrance: Entrance) -> AsyncIterator[Self]:
        """A context that leaves nothing behind, in the project, in temporary folders or of processes."""
        root, only = opened
        # Looking at a project leaves nothing in it, compiled modules neither.
        environ = {**os.environ, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        with ExitStack() as stack:
            shadow = stack.enter_context(Shadow.open(Folder(root, rules=WITH_ENV)))
            worker = stack.enter_context(Worker.open(shadow.root, environ, WORK))
            editor = cls(Folder(root, rules=RULES), only, entrance, Checker(shadow, worker, only))
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(editor.watcher.run())
                try:
                    yield editor
                finally:
                    editor.feed.close()
                    watching.cancel()

    def facts(self) -> dict[str, object]:
        """What a page shows of it."""
        return {"name": self.folder.root.name, "folder": str(self.folder.root), "only": self.only, "octo": __version__}

    @cached_property
    def catalogue(self) -> tuple[bytes, str]:
        """The catalogue of components as JSON, and its ETag."""
        data = codec.write(components())
        return data, sha256(data).hexdigest()[:32]
