"""Which addresses a client may connect to: public ones, and those that its author wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

Private = Literal["base", "allow", "deny"]
Server = tuple[str, int]

_TRANSLATED = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")
_LOCAL = (ip_network("64:ff9b:1::/48"), ip_network("fec0::/10"), ip_network("100.64.0.0/10"))


_KINDS: dict[str, Callable[[IPv4Address | IPv6Address], bool]] = {
    "the unspecified address": lambda each: each.is_unspecified,
    "a loopback address": lambda each: each.is_loopback,
    "a link-local address": lambda each: each.is_link_local,
    "a multicast address": lambda each: each.is_multicast,
    "a private address": lambda each: not each.is_global or any(each in network for network in _LOCAL),
}


class PrivateAddress(Exception):
    """The connection that was about to be made leads into a private network."""


class Guard:
    """Says which connections may be made.

    mode: whether addresses that are not public are allowed: `base` for the servers in `own`, `allow` for all, `deny`
        for none. own: host and port of the servers that the author wrote. proxies: those of proxies, always allowed.
    """

    def __init__(self, mode: Private, own: Iterable[Server], proxies: Iterable[Server] = ()) -> None:
        self._mode = mode
        self._own = frozenset(own)
        self._proxies = frozenset(proxies)

    def trusts(self, host: str, port: int) -> bool:
        """Whether any address of this server is allowed."""
        return self._mode == "allow" or (self._mode == "base" and (host, port) in self._own)

    def check_connection(self, host: str, port: int, addresses: Iterable[str]) -> None:
        """Raise `PrivateAddress` for a connection that may not be made, be it to a server or a proxy."""
        if (host, port) not in self._proxies:
            self.check(host, port, addresses)

    def check(self, host: str, port: int, addresses: Iterable[str]) -> None:
        """Raise `PrivateAddress` if one of a server's addresses is not allowed.

        Asked with the addresses that are connected to, so that a name cannot mean another one a moment later.
        """
        if self.trusts(host, port):
            return
        for address in addresses:
            kind = kind_of(address)
            if kind is not None:
                shown = host if host == address else f"{host} ({address})"
                raise PrivateAddress(f"{shown} is {kind}, which `privateAddresses: {self._mode}` does not allow")


def kind_of(text: str) -> str | None:
    """Return what kind of address this is if it is not public, else None. A text that is no address is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return "not an address"
    return next((kind for each in _meant(address) if (kind := _kind(each)) is not None), None)


def _meant(address: IPv4Address | IPv6Address) -> Iterable[IPv4Address | IPv6Address]:
    """Yield the address, and the IPv4 address in it: a router or this machine may unpack it."""
    yield address
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            yield address.ipv4_mapped
        if address.sixtofour is not None:
            yield address.sixtofour
        if address.teredo is not None:
            yield from address.teredo
        if address in _TRANSLATED or (address in _COMPATIBLE and int(address) > 1):
            yield IPv4Address(int(address) & 0xFFFFFFFF)


def _kind(address: IPv4Address | IPv6Address) -> str | None:
    if isinstance(address, IPv6Address) and (address.ipv4_mapped is not None or address in _TRANSLATED):
        return None  # as its IPv4 address
    for kind, is_one in _KINDS.items():
        if is_one(address):
            return kind
    return None
