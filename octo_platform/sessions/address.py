"""How often one address may try."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request

from octo_platform.auth.identity import Identity
from octo_platform.auth.throttle import network_of


@contextmanager
def throttled(identity: Identity, request: Request) -> Iterator[None]:
    """A try from the address of a request; it counts unless the block ends well. Raises `Problem` if there were many.

    The address is that of the socket, or what a proxy that is trusted says of it.
    """
    name = network_of(request.client.host if request.client else "")
    identity.addresses.take(name)
    yield
    identity.addresses.give_back(name)
