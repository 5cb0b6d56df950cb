"""Services in a Redis or Valkey server: they serve all processes of all machines that reach it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from octo.core.errors import Permanent
from octo.services.redis.address import Address, parse
from octo.services.sharing import Shared

if TYPE_CHECKING:
    from octo.services.container import Opener
    from octo.services.redis.store import Store

PROVIDED = ("key-value", "leases", "queues", "topics")


def openers(url: str) -> Mapping[str, Opener]:
    """The openers of the services in the server that a `redis:` URL names; all use one store."""
    return at(parse(url))


def at(address: Address) -> Mapping[str, Opener]:
    """The openers of the services at this address."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Store]:
        try:  # a start without services does not pay for redis-py, and one with it does not stand still meanwhile
            store = await asyncio.to_thread(import_module, "octo.services.redis.store")
        except ImportError:
            raise Permanent("Redis needs redis-py: pip install 'octo-flows[redis]'") from None
        async with store.opened(address) as opened:
            yield opened

    return Shared(opened, _providers).openers(PROVIDED)


def _providers() -> Mapping[str, Callable[[Store], object]]:
    from octo.services.redis import key_value, leases, queues, topics

    return {
        "key-value": key_value.Entries,
        "leases": leases.Holders,
        "queues": queues.Lines,
        "topics": topics.Logs,
    }
