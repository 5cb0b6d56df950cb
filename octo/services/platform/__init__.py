"""Services in the data plane of the platform: a deployment reaches them there, with all its instances.

The platform says where that is (`OCTO_DATA_URL`), and gives each deployment a token (`OCTO_DATA_TOKEN_FILE`) that opens
only what this deployment keeps.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from octo.services.platform.address import Address, found
from octo.services.sharing import Shared
from octo.services.urls import refused

if TYPE_CHECKING:
    from octo.services.container import Opener
    from octo.services.platform.store import Store

PROVIDED = ("key-value", "leases", "queues", "resources", "topics")


def openers(url: str) -> Mapping[str, Opener]:
    """The openers of the services that `platform:` names; all use one store."""
    if url.lower() != "platform:":
        raise refused("write `platform:` alone: the platform says where it is, and gives the token")
    return at(lambda: found(os.environ))


def at(address: Callable[[], Address]) -> Mapping[str, Opener]:
    """The openers of the services at this address, which is looked up when the first is opened."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Store]:
        store = await asyncio.to_thread(import_module, "octo.services.platform.store")  # aiohttp takes its time
        async with store.opened(address()) as opened:
            yield opened

    return Shared(opened, _providers).openers(PROVIDED)


def _providers() -> Mapping[str, Callable[[Store], object]]:
    from octo.services.platform import key_value, leases, queues, resources, topics

    return {
        "key-value": key_value.Entries,
        "leases": leases.Holders,
        "queues": queues.Lines,
        "resources": resources.Files,
        "topics": topics.Logs,
    }
