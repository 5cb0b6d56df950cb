"""Resources in the data plane: the files of the version that the deployment runs."""

from __future__ import annotations

from octo.services import limits
from octo.services.platform import parts
from octo.services.platform.store import Store
from octo.services.ports import Missing, Page


class Files:
    """See `octo.services.ports.Resources`. A name with a part that begins with `.` is no resource, as `.env` is not."""

    def __init__(self, store: Store) -> None:
        self._call = store.call
        self.health = store.health

    async def read(self, name: str) -> bytes:
        limits.path(name)
        answer = await self._call("GET", "/resources/content", {"name": name}, known=("not-found",), again=True)
        if answer.problem is not None:
            raise Missing(f"there is no resource {name[:80]!r} in the version that is deployed")
        return answer.body

    async def list(self, prefix: str = "", *, after: str = "", most: int = 100) -> Page:
        query = {"prefix": limits.prefix(prefix), "after": limits.prefix(after), "most": limits.most(most)}
        found = parts.told((await self._call("GET", "/resources", query, again=True)).body)
        return Page(tuple(found["names"]), found["after"])
