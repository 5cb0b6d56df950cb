"""Services on a NATS server with JetStream: they serve all processes of all machines that reach it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from octo.core.errors import Permanent
from octo.services.nats.address import Address, parse
from octo.services.sharing import Shared

if TYPE_CHECKING:
    from octo.services.container import Opener
    from octo.services.nats.store import Store

PROVIDED = ("key-value", "leases", "queues", "topics")


def openers(url: str) -> Mapping[str, Opener]:
    """The openers of the services on the server that a `nats:` URL names; all use one connection."""
    return at(parse(url))


def at(address: Address) -> Mapping[str, Opener]:
    """The openers of the services at this address."""

    def opened() -> AbstractAsyncContextManager[Store]:
        try:
            from octo.services.nats import opening  # a start without services does not pay for nats-py
        except ImportError:
            raise Permanent("NATS needs nats-py: pip install 'octo-flows[nats]'") from None
        return opening.opened(address)

    return Shared(opened, _providers).openers(PROVIDED)


def _providers() -> Mapping[str, Callable[[Store], object]]:
    from octo.services.nats import key_value, leases, queues, topics

    return {
        "key-value": key_value.Entries,
        "leases": leases.Holders,
        "queues": queues.Lines,
        "topics": topics.Logs,
    }
