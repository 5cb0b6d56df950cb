"""The address of a client that comes through proxies: what those that are trusted say of it.

What any other says of it is invented.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import Scope

_LONGEST = 2_000


class Proxies:
    """See the module. networks: of the proxies that are trusted, such as 10.42.0.0/16."""

    def __init__(self, networks: Collection[str]) -> None:
        self._networks = [ip_network(each, strict=False) for each in networks]

    def client(self, scope: Scope) -> tuple[str, int] | None:
        """Who asks: the last address in `X-Forwarded-For` that is no trusted proxy, where the socket leads to one."""
        peer: tuple[str, int] | None = scope.get("client")
        if peer is None or not self._trusts(_address(peer[0])):
            return peer
        given = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        for each in reversed(given[-_LONGEST:].decode("latin-1").split(",")):
            found = _address(each.strip())
            if found is None:
                return peer
            if not self._trusts(found):
                return str(found), 0
        return peer

    def _trusts(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in each for each in self._networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without a port; None if it is none."""
    host = text.partition("]")[0][1:] if text.startswith("[") else text
    host = host.partition(":")[0] if host.count(":") == 1 else host
    try:
        found = ip_address(host)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
