"""Services in the files of a folder, which somebody else writes: `files:/run/secrets`, `files:resources`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from octo.core.errors import Permanent
from octo.services import codes, limits
from octo.services.folder import Folder
from octo.services.paging import page
from octo.services.ports import Missing, Page, Resources
from octo.services.secrets import store as secrets
from octo.services.secrets.mounted import Mounted

if TYPE_CHECKING:
    from octo.services.container import Opener

LARGEST = 64 << 20
"""Bytes of a resource, at most."""


def openers(url: str) -> Mapping[str, Opener]:
    """The openers of the services in the folder that a `files:` URL names."""
    return {"secrets": partial(secrets.opened, store(url)), "resources": partial(opened, _path(url))}


def store(url: str, environ: Mapping[str, str] = os.environ) -> Mounted:  # noqa: ARG001  it is not in there
    """The secrets in the folder that a `files:` URL names."""
    return Mounted(_path(url))


def _path(url: str) -> Path:
    path = secrets.path_of(url)
    if path is None:
        raise Permanent("services: `files:` needs the path of a folder, e.g. `files:/run/secrets`", code=codes.PLACE)
    return path


class Files:
    """See `octo.services.ports.Resources`. A name with a part that begins with `.` is no resource, as `.env` is not."""

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder, "resource")

    async def read(self, name: str) -> bytes:
        limits.path(name)
        if any(part.startswith(".") for part in name.split("/")):
            raise Missing(f"there is no resource {name[:80]!r}: names that begin with `.` are none")
        return await asyncio.to_thread(self._folder.read, name, LARGEST)

    async def list(self, prefix: str = "", *, after: str = "", most: int = 100) -> Page:
        return await asyncio.to_thread(lambda: page(self._folder.names(), prefix, after, most))


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Resources]:
    """The files below this folder. Raises `Permanent` if it is not there."""
    found = Folder(path, "resource")
    found.check()
    yield Files(path)
