"""One `octo edit`: the project, and what all its pages share."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Self

from octo import __version__
from octo.cli.authoring.folder import Folder
from octo.cli.authoring.refusal import Refused
from octo.cli.authoring.worker import Worker
from octo.cli.components import components
from octo.cli.editing.checking import Checker
from octo.cli.editing.debugging import Debugger
from octo.cli.editing.entrance import Entrance
from octo.cli.editing.feed import Feed
from octo.cli.editing.messages import Messages
from octo.cli.editing.running import Runner
from octo.cli.editing.shadow import Shadow, Texts, sweep
from octo.cli.editing.tree import RULES, WITH_ENV, Tree
from octo.cli.editing.watching import Watcher
from octo.core import codec

log = logging.getLogger("octo.editing")

AGAIN = 1.0
"""Seconds until what has broken is tried again."""
WORK = "octo.cli.editing.work"
MOST_RUNNING = 1_800.0
"""Seconds that tests may take, altogether."""


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

    def __init__(self, opened: Opened, entrance: Entrance, stack: ExitStack) -> None:
        self.folder = Folder(opened.root, rules=RULES)
        self.dotenv = Folder(opened.root, rules=WITH_ENV)
        self.only = opened.only
        self.entrance = entrance
        self.feed = Feed()
        # Looking at a project leaves nothing in it, compiled modules neither.
        environ = {**os.environ, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        shadow, running = (stack.enter_context(Shadow.open(self.dotenv)) for _ in range(2))
        self._worker = stack.enter_context(Worker.open(shadow.root, environ, WORK))
        self.checker = Checker(shadow, self._worker, self.only)
        self.runner = stack.enter_context(Runner(opened.root, running, self.feed, environ))
        self.messages = Messages(opened.root, self.feed, lambda: self.runner.is_running, self.runner.triggers)
        self.debugger = Debugger(self.runner, self.feed)
        self.watcher = Watcher(opened.root, Tree(self.folder), self.feed, self.runner.update)

    @classmethod
    @asynccontextmanager
    async def open(cls, opened: Opened, entrance: Entrance) -> AsyncIterator[Self]:
        """A context that leaves nothing behind, in the project, in temporary folders or of processes."""
        await asyncio.to_thread(sweep)
        with ExitStack() as stack:
            editor = cls(opened, entrance, stack)
            async with asyncio.TaskGroup() as group:
                working = [group.create_task(_lasting(each)) for each in editor._works]
                try:
                    yield editor
                finally:
                    editor.feed.close()
                    for each in working:
                        each.cancel()

    @property
    def _works(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """What goes on as long as it is open."""
        debugger = self.debugger
        return self.watcher.run, self.runner.follow, self.messages.follow, debugger.follow, debugger.push_always

    async def apart(
        self,
        verb: str,
        texts: Texts,
        path: str,
        told: Callable[[dict[str, Any]], None] = lambda _: None,
        seconds: float = MOST_RUNNING,
        *,
        given: Mapping[str, object],
    ) -> tuple[str, dict[str, object]]:
        """Run something of a configuration in a copy of its own, which pages that type meanwhile do not change.

        Return the path of the configuration and the answer. told: called with what is told before the end.
        """
        unit = await self.checker.unit(texts, path, await self.watcher.look())
        with Shadow.open(self.dotenv) as shadow:
            await asyncio.to_thread(shadow.update, texts)
            place = {"path": unit, "root": str(shadow.root)}
            return unit, await self._worker.hear(verb, seconds, told, **place, **given)

    def facts(self) -> dict[str, object]:
        """What a page shows of it."""
        return {"name": self.folder.root.name, "folder": str(self.folder.root), "only": self.only, "octo": __version__}

    @cached_property
    def catalogue(self) -> tuple[bytes, str]:
        """The catalogue of components as JSON, and its ETag."""
        data = codec.write(components())
        return data, sha256(data).hexdigest()[:32]


def _is_known(error: Exception) -> bool:
    return isinstance(error, Refused | OSError)


async def _lasting(work: Callable[[], Awaitable[None]]) -> None:
    """Go on with the work until cancelled, whatever happens: a store may be damaged, a disk full."""
    told = ""
    while True:
        try:
            await work()
        except Exception as error:
            if str(error) != told:
                told = str(error)
                log.warning("the editor goes on without a part of it: %s", error, exc_info=not _is_known(error))
        await asyncio.sleep(AGAIN)
