"""A cache of answers in memory, as far as the server allows it (RFC 9111, the part that a client of GETs needs)."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from octo.connectors.http_client import settings
from octo.connectors.http_client.dates import seconds_of
from octo.connectors.http_client.reply import Reply
from octo.connectors.http_client.request import Request
from octo.core import clock

MOST_BYTES = 32 * 1024 * 1024
IDENTITY = ("authorization", "cookie")
"""Request headers that identify the caller. Whatever `Vary` says, no caller gets an answer to another."""

Base = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    reply: Reply
    ends: float

    @property
    def size(self) -> int:
        return len(self.reply.data) + 1024  # headers, keys and the rest, roughly


class Cache:
    """The least recently used answer is dropped first. `clock` and `wall` exist so that tests can replace them.

    Invariant: `_size` is the sum of the entries' sizes; `_vary` has the bases of `_entries`.
    """

    def __init__(self, cache: settings.Cache) -> None:
        self._enabled = cache.enabled
        self._ttl = cache.ttl.total_seconds()
        self._most = cache.max_entries
        self._size = 0
        self._vary: dict[Base, tuple[str, ...]] = {}
        self._entries: OrderedDict[tuple[Base, Base], _Entry] = OrderedDict()
        self.clock = asyncio.get_running_loop().time
        self.wall: Callable[[], float] = lambda: clock.now().timestamp()

    def get(self, request: Request) -> Reply | None:
        """Return a fresh answer to the same request by the same caller, None if there is none."""
        if not self._serves(request):
            return None
        key = self._key(request)
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self.clock() >= entry.ends:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.reply

    def put(self, request: Request, reply: Reply) -> None:
        """Keep the answer if it may be kept."""
        if not self._serves(request) or not 200 <= reply.status < 300:
            return
        seconds = min(self._ttl, freshness(reply.headers, self.wall()))
        vary = tuple(sorted(_tokens(reply.headers.get("vary", ""))))
        if seconds <= 0 or "*" in vary:
            return
        self._vary[_base(request)] = vary
        key = self._key(request)
        self._drop(key)
        entry = self._entries[key] = _Entry(reply, self.clock() + seconds)
        self._size += entry.size
        while len(self._entries) > self._most or self._size > MOST_BYTES:
            self._drop(next(iter(self._entries)))

    def _serves(self, request: Request) -> bool:
        if not self._enabled or request.method != "GET":
            return False
        return not {"no-store", "no-cache"} & _tokens(request.header("cache-control") or "")

    def _key(self, request: Request) -> tuple[Base, Base]:
        base = _base(request)
        return base, tuple(request.header(name) or "" for name in self._vary.get(base, ()))

    def _drop(self, key: tuple[Base, Base]) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self._size -= entry.size
        if not any(base == key[0] for base, _ in self._entries):
            self._vary.pop(key[0], None)


def _base(request: Request) -> Base:
    return (str(request.url), *(request.header(name) or "" for name in IDENTITY))


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
