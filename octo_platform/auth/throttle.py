"""Tries that may fail are slowed down: each one after the free ones must wait twice as long as the one before."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from octo_platform.problem import Problem

_FORGET = 3600.0
"""Seconds after the last try at which none is remembered."""


@dataclass
class _Tries:
    count: int = 0
    last: float = 0.0
    until: float = 0.0


class Throttle:
    """Counts the tries of this process by name, e.g. an account or an address.

    free: tries without a wait. longest: seconds of a wait at most. most: names it remembers; the one that was quiet for
    the longest time goes first. Names are kept as hashes, so each takes the same room.
    """

    def __init__(
        self, free: int, longest: float, *, most: int = 20_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free = free
        self._longest = longest
        self._most = most
        self._clock = clock
        self._tries: OrderedDict[bytes, _Tries] = OrderedDict()

    def check(self, name: str) -> None:
        """Refuse if a wait is under way. Raises `Problem`."""
        left = self._tries.get(_key(name), _Tries()).until - self._clock()
        if left > 0:
            raise Problem("too-many-tries").with_headers({"Retry-After": str(math.ceil(left))})

    def take(self, name: str) -> None:
        """Count a try before it is made: those that run at once must not all be the first. Raises `Problem`."""
        self.check(name)
        now = self._clock()
        tries = self._tries.setdefault(_key(name), _Tries())
        if now - tries.last > _FORGET:
            tries.count = 0
        tries.count, tries.last = tries.count + 1, now
        if tries.count > self._free:
            tries.until = now + min(self._longest, 2.0 ** min(tries.count - self._free - 1, 30))
        self._tries.move_to_end(_key(name))
        while len(self._tries) > self._most:
            self._tries.popitem(last=False)

    def give_back(self, name: str) -> None:
        """A try that was right counts no more; those before it do: who has an account must not try others for free."""
        if tries := self._tries.get(_key(name)):
            tries.count = max(0, tries.count - 1)
            tries.until = 0.0

    def clear(self, name: str) -> None:
        self._tries.pop(_key(name), None)


class Known:
    """Names that are remembered, e.g. an account and where it was signed in from; the oldest go beyond `most`."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._names: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._names

    def add(self, name: str) -> None:
        self._names[_key(name)] = None
        self._names.move_to_end(_key(name))
        if len(self._names) > self._most:
            self._names.popitem(last=False)


def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((int(found), 64), strict=False))
    return str(found)


def _key(name: str) -> bytes:
    return hashlib.blake2b(name.encode(errors="replace"), digest_size=16).digest()
