"""A cache of answers in memory, as far as the server allows it (RFC 9111, the part that a client of GETs needs)."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import count

from yarl import URL

from octo.connectors.http_client import settings
from octo.connectors.http_client.reply import Reply
from octo.connectors.http_client.request import Request
from octo.core import clock
from octo.core.dates import seconds_of

MOST_BYTES = 32 * 1024 * 1024
LASTING = (200, 203, 204)
"""Statuses whose answers may be used again without the server's word (RFC 9110, 15.1), except of parts and errors."""
MOST_CHANGES = 1024
"""So many addresses are remembered as changed while an answer may be on its way."""
CHANGING = frozenset(("POST", "PUT", "PATCH", "DELETE"))

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    reply: Reply
    ends: float

    @property
    def size(self) -> int:
        return len(self.reply.data) + 1024  # headers, keys and the rest, roughly


class Cache:
    """The least recently used answer is dropped first. `clock` and `wall` exist so that tests can replace them.

    An answer is for requests that are the same in all that their author writes: address, headers and body. What the
    server says in `Vary` cannot widen that, as a server may forget to name the header by which it knows the caller.

    `_changed` has the moments at which addresses were last changed, `_changed_others` is that of all which it forgot.
    Invariant: `_size` is the sum of the entries' sizes; `_keys` has the keys of `_entries` by address.
    """

    def __init__(self, cache: settings.Cache) -> None:
        self._enabled = cache.enabled
        self._ttl = cache.ttl.total_seconds()
        self._most = cache.max_entries
        self._size = 0
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._keys: dict[URL, set[Key]] = {}
        self._moments = count(1)
        self._changed: OrderedDict[URL, int] = OrderedDict()
        self._changed_others = 0
        self.clock = asyncio.get_running_loop().time
        self.wall: Callable[[], float] = lambda: clock.now().timestamp()

    def get(self, request: Request) -> Reply | None:
        """Return a fresh answer to the same request by the same caller, None if there is none."""
        if not self._serves(request):
            return None
        key = _key(request)
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self.clock() >= entry.ends:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.reply

    def begin(self) -> int:
        """Return the moment at which a request is sent, for `put`."""
        return next(self._moments)

    def change(self, request: Request) -> None:
        """End the answers about the address of a request that may have changed it, also those that are on their way."""
        if not self._enabled or request.method not in CHANGING:
            return
        for key in list(self._keys.get(request.url, ())):
            self._drop(key)
        self._changed[request.url] = next(self._moments)
        self._changed.move_to_end(request.url)
        if len(self._changed) > MOST_CHANGES:
            _, self._changed_others = self._changed.popitem(last=False)

    def put(self, request: Request, reply: Reply, began: int) -> None:
        """Keep the answer if it may be kept: not if its address was changed since the request began."""
        if reply.status < 400 or reply.status >= 500:  # else the server says that it changed nothing
            self.change(request)
        if began < self._changed.get(request.url, self._changed_others):
            return
        if not self._serves(request) or not _may_keep(request, reply):
            return
        wall = self.wall()
        seconds = min(self._ttl, *(freshness(headers, wall) for headers in (reply.headers, *reply.via)))
        if seconds <= 0:
            return
        key = _key(request)
        self._drop(key)
        entry = self._entries[key] = _Entry(reply, self.clock() + seconds)
        self._keys.setdefault(request.url, set()).add(key)
        self._size += entry.size
        while len(self._entries) > self._most or self._size > MOST_BYTES:
            self._drop(next(iter(self._entries)))

    def _serves(self, request: Request) -> bool:
        if not self._enabled or request.method != "GET" or request.terms.download or not _in_memory(request):
            return False
        control = _tokens(request.header("cache-control") or request.header("pragma") or "")
        return not {"no-store", "no-cache", "max-age=0"} & control

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self._size -= entry.size
        url = key[0]
        assert isinstance(url, URL)
        self._keys[url].discard(key)
        if not self._keys[url]:
            del self._keys[url]


def _in_memory(request: Request) -> bool:
    return isinstance(request.data, bytes | None)


def _key(request: Request) -> Key:
    """Return what a request has in common with those that get the same answer: all but its context."""
    headers = sorted((name.lower(), value) for name, value in request.headers.items())
    assert isinstance(request.data, bytes | None)
    return request.url, *headers, sha256(request.data).digest() if request.data else None


def _may_keep(request: Request, reply: Reply) -> bool:
    """Whether the answer is not for this one request only."""
    ours = {"*", *(name.lower() for name in request.context)}
    return reply.status in LASTING and all(
        "set-cookie" not in headers and ours.isdisjoint(_tokens(headers.get("vary", "")))
        for headers in (reply.headers, *reply.via)
    )


def freshness(headers: Mapping[str, str], wall: float) -> float:
    """Return for how many seconds the server lets its answer be used; infinity if it does not say."""
    control = headers.get("cache-control", "").lower()
    if {"no-store", "no-cache", "private"} & {each.partition("=")[0] for each in _tokens(control)}:
        return 0.0
    ages = [_number(value) or 0.0 for value in _AGES.findall(control)]
    if ages:  # RFC 9111 4.2.1: of several the shortest; what is not a number means stale
        return min(ages) - (_number(headers.get("age", "")) or 0.0)
    if "expires" in headers:
        date = seconds_of(headers["expires"])
        return 0.0 if date is None else date - wall  # RFC 9111 5.3: what is not a date, `0` above all, means expired
    return float("inf")


_AGES = re.compile(r"(?<![\w-])(?:s-maxage|max-age)(?:\s*=\s*\"?([^\s\",]*))?")


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None


def _tokens(text: str) -> set[str]:
    return {token.strip().lower() for token in text.split(",") if token.strip()}
