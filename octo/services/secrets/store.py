"""What all places of secrets have in common."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote

from octo.core.secrets import Store
from octo.core.settings import Secret
from octo.services import limits
from octo.services.ports import Missing, Secrets


class Stored:
    """See `octo.services.ports.Secrets`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, name: str) -> Secret:
        limits.name(name, "secret name")
        text = await asyncio.to_thread(self._store.find, name)
        if text is None:
            raise Missing(f"there is no secret {name[:80]!r} in {self._store.place}")
        return Secret(text)


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Secrets]:
    """The service of secrets in this place. Raises `Permanent` if the place is not there."""
    await asyncio.to_thread(store.check)
    yield Stored(store)


def path_of(url: str) -> Path | None:
    """The path in `scheme:PATH` or `scheme:///PATH`; a `,` in it is written as %2C. None if there is none."""
    path = url.partition(":")[2]
    if path.startswith("//"):
        path = path.removeprefix("//")
        if not path.startswith("/"):
            return None
    return Path(unquote(path)) if path.strip("/") else None


def trimmed(text: str) -> str:
    """A secret from a file or a pipe: without the line end that `echo` and editors put after a single line.

    A text of several lines, such as a key in PEM form, stays as it is.
    """
    line = text.removesuffix("\n").removesuffix("\r")
    return text if "\n" in line or not text.endswith("\n") else line
