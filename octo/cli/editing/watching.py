"""Tells pages which files have changed, whoever changed them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path, PurePosixPath

from octo.cli.authoring.refusal import Refused
from octo.cli.editing.feed import Feed
from octo.cli.editing.tree import Entry, Tree
from octo.engine.watch import notices


async def _nothing() -> None:
    """For a watcher that only tells pages."""


class Watcher:
    """Compares the files with what pages were told of them. changed: called when some are others than before."""

    def __init__(self, root: Path, tree: Tree, feed: Feed, changed: Callable[[], Awaitable[None]] = _nothing) -> None:
        self._root = root
        self._tree = tree
        self._feed = feed
        self._changed = changed
        self._told: dict[str, Entry] | None = None
        self._is_gone = False
        self._turn = asyncio.Lock()

    @property
    def is_whole(self) -> bool:
        """Whether the files that were found last are all that there are."""
        return self._tree.is_whole

    async def run(self) -> None:
        """Tell of changes until cancelled."""
        while True:
            await self._quietly()
            folders = self._folders()
            async with aclosing(notices(self._root / each for each in folders)) as happening:
                async for _ in happening:
                    await self._quietly()
                    if self._folders() != folders:
                        break  # those that are new are to be watched too

    async def look(self) -> list[Entry]:
        """The files as they are. Pages are told what they do not know. Raises `Refused` if the folder is gone."""
        async with self._turn:
            try:
                found = await asyncio.to_thread(self._tree.entries)
            except Refused as error:
                if not self._is_gone:
                    self._is_gone = True
                    self._feed.tell("folder", {"isThere": False, "problem": error.as_json()})
                raise
            if self._is_gone:
                self._is_gone = False
                self._feed.tell("folder", {"isThere": True, "problem": None})
            if self._tell({each.path: each for each in found}):
                await self._changed()
            return found

    async def _quietly(self) -> None:
        with suppress(Refused, OSError):  # pages have been told; a file that cannot be read is looked at again
            await self.look()

    def _tell(self, now: dict[str, Entry]) -> bool:
        """Tell pages what is new; whether anything is."""
        before, self._told = self._told, now
        if before is None:
            return False
        changed = [each.as_json() for path, each in now.items() if before.get(path) != each]
        gone = [path for path in before if path not in now]
        if changed or gone:
            self._feed.tell("files", {"changed": changed, "gone": gone})
        return bool(changed or gone)

    def _folders(self) -> set[PurePosixPath]:
        """The folders that have files in them, and those around them."""
        files = map(PurePosixPath, self._told or ())
        return {PurePosixPath(), *(folder for file in files for folder in file.parents)}
