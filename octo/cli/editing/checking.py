"""What is wrong with the project as it is on the pages, saved or not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from octo.cli.authoring.refusal import Refused
from octo.cli.authoring.worker import Worker
from octo.cli.editing import codes
from octo.cli.editing.shadow import Shadow, Texts
from octo.cli.editing.tree import Entry, of_text
from octo.cli.editing.units import Units

Answer = dict[str, object]

_SECONDS = 60.0


class Checker:
    """Asks about a copy of the project; one question at a time, as each has texts of its own in that copy."""

    def __init__(self, shadow: Shadow, worker: Worker, only: str) -> None:
        self._shadow = shadow
        self._worker = worker
        self._units = Units(only, self._together)
        self._turn = asyncio.Lock()
        self._newest: dict[str, asyncio.Timeout] = {}

    async def check(self, texts: Texts, path: str, entries: list[Entry], page: str, *, tests: bool) -> Answer:
        """What is found in the configuration that the file or folder belongs to.

        page: whose question it is; a newer one of its kind of the same page ends it. Raises `Refused`.
        """
        unit, found = await self.ask("check", texts, path, entries, page, tests=tests)
        return {"configuration": unit, "entries": [], "warnings": [], **found}

    async def unit(self, texts: Texts, path: str, entries: list[Entry]) -> str:
        """The configuration that a file or folder belongs to."""
        async with self._turn:
            await asyncio.to_thread(self._shadow.update, texts)
            return await self._units.of(path, _with(entries, texts))

    async def ask(
        self, verb: str, texts: Texts, path: str, entries: list[Entry], page: str, **given: object
    ) -> tuple[str, Answer]:
        """Ask about that configuration; return its path and the answer. As `check`."""
        with self._superseding(f"{verb} {page}") as scope:
            try:
                async with scope, self._turn:
                    await asyncio.to_thread(self._shadow.update, texts)
                    unit = await self._units.of(path, _with(entries, texts))
                    return unit, await self._worker.ask(verb, _SECONDS, path=unit, **given)
            except TimeoutError:
                raise Refused(codes.SUPERSEDED, "a newer question has taken the place of this one") from None

    async def _together(self, folder: str) -> bool:
        found = await self._worker.ask("together", _SECONDS, path=folder)
        return found["together"] is True

    @contextmanager
    def _superseding(self, page: str) -> Iterator[asyncio.Timeout]:
        """A time limit that is over as soon as the same page asks again."""
        if (older := self._newest.get(page)) is not None:
            older.reschedule(asyncio.get_running_loop().time())
        self._newest[page] = scope = asyncio.timeout(None)
        try:
            yield scope
        finally:
            if self._newest.get(page) is scope:
                del self._newest[page]


def _with(entries: list[Entry], texts: Mapping[str, str | None]) -> list[Entry]:
    """The files, with those that are not saved yet and without those that will be gone."""
    known = {each.path for each in entries}
    kept = [each for each in entries if texts.get(each.path, "") is not None]
    return [*kept, *(of_text(path, text) for path, text in texts.items() if text is not None and path not in known)]
