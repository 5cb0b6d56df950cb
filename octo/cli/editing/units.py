"""Which files are one configuration: those of a folder, unless they are several that only lie together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath

from octo.cli.editing.tree import Entry

HERE = PurePosixPath()


class Units:
    """Finds the configuration of a file.

    only: the one file that the editor was opened with, "" for a folder. together: whether the flow files of a folder
    can be one configuration.
    """

    def __init__(self, only: str, together: Callable[[str], Awaitable[bool]]) -> None:
        self._only = only
        self._together = together
        self._known: dict[tuple[str, tuple[str, ...]], bool] = {}

    async def of(self, path: str, entries: list[Entry]) -> str:
        """The path of the configuration that a file or folder belongs to: a folder, `.` for the project, or a file."""
        if self._only:
            return self._only
        place = PurePosixPath(path or ".")
        flows = {PurePosixPath(each.path) for each in entries if each.kind == "flow"}
        inside = {folder for each in flows for folder in [each.parent]}
        folder = next((each for each in (place, *place.parents) if each in inside), HERE)
        names = tuple(sorted(str(each) for each in flows if each.parent == folder))
        if place in inside or len(names) < 2 or await self._are_one(folder, names):
            return str(folder)
        return str(_flow_of(place, flows))

    async def _are_one(self, folder: PurePosixPath, names: tuple[str, ...]) -> bool:
        """Once asked, it stays so until a flow file comes or goes: two flows of one name are an error then."""
        known = (str(folder), names)
        if known not in self._known:
            self._known[known] = await self._together(str(folder))
        return self._known[known]


def _flow_of(place: PurePosixPath, flows: set[PurePosixPath]) -> PurePosixPath:
    """The flow file that a test file is about; any other file itself."""
    tested = place.with_name(f"{place.stem.removesuffix('_test')}{place.suffix}")
    return tested if place not in flows and tested in flows else place
