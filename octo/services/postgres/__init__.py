"""Services in a PostgreSQL database: they serve all processes of all machines that reach it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from octo.core.errors import Permanent
from octo.services.postgres.address import Address, parse
from octo.services.sharing import Shared

if TYPE_CHECKING:
    from octo.services.container import Opener
    from octo.services.postgres.store import Store

PROVIDED = ("key-value", "leases", "queues", "topics")


def openers(url: str) -> Mapping[str, Opener]:
    """The openers of the services in the database that a `postgresql:` URL names; all use one store."""
    return at(parse(url))


def at(address: Address) -> Mapping[str, Opener]:
    """The openers of the services at this address."""

    def opened() -> AbstractAsyncContextManager[Store]:
        try:
            from octo.services.postgres import store  # a start without services does not pay for asyncpg
        except ImportError:
            raise Permanent("PostgreSQL needs asyncpg: pip install 'octo-flows[postgres]'") from None
        return store.opened(address)

    return Shared(opened, _providers).openers(PROVIDED)


def _providers() -> Mapping[str, Callable[[Store], object]]:
    from octo.services.postgres import key_value, leases, queues, topics

    return {
        "key-value": key_value.Entries,
        "leases": leases.Holders,
        "queues": queues.Lines,
        "topics": topics.Logs,
    }
