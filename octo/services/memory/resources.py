"""Resources in memory: those it was opened with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

from octo.services import limits
from octo.services.paging import page
from octo.services.ports import Missing, Page, Resources


class Files:
    """See `octo.services.ports.Resources`."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents

    async def read(self, name: str) -> bytes:
        limits.path(name)
        if name not in self._contents:
            raise Missing(f"there is no resource {name[:80]!r} in memory")
        return self._contents[name]

    async def list(self, prefix: str = "", *, after: str = "", most: int = 100) -> Page:
        return page(self._contents, prefix, after, most)


@asynccontextmanager
async def opened(contents: Mapping[str, bytes] = MappingProxyType({})) -> AsyncIterator[Resources]:
    """These resources, by name."""
    yield Files(contents)
