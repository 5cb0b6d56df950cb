"""The members of a cluster: the processes that use the same services.

Each is an entry of the key-value service that it renews, so one that is gone or cut off is none after `TTL` seconds.
The entries tell people (`octo cluster`); nothing that must be right depends on them.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from octo.core import clock
from octo.core.errors import OctoError
from octo.core.log import fields
from octo.services.ports import KeyValue

log = logging.getLogger("octo.services")

NAMESPACE = "members"
TTL = 30.0
"""Seconds after which a process that does not renew its entry is no member."""
EVERY = 10.0
"""Seconds after which an entry is renewed in which nothing has changed."""
SEEN = "seen"
"""The key of an entry that says when it was renewed, by the clock of the member."""
SILENT = 15.0
"""Seconds after which a member that has not renewed its entry is late: it may be gone."""
_LOOK = 1.0
"""Seconds between two looks for whether something has."""
_FAREWELL = 1.0
"""Seconds that leaving may take."""

About = Mapping[str, object]
"""What a member tells of itself."""


def me() -> str:
    """The id of this process as a member: 12 hexadecimal digits, never used again."""
    return _id(os.getpid())  # a forked process is another member


@functools.cache
def _id(_: int) -> str:
    return secrets.token_hex(6)


async def enrolled(store: KeyValue, about: Callable[[], About]) -> None:
    """Be a member until cancelled, then leave. A service that does not answer is logged once, and asked again."""
    time, told, until, is_known = asyncio.get_running_loop().time, None, 0.0, True
    try:
        while True:
            now = about()
            if now != told or time() >= until:
                told, until = now, time() + EVERY
                is_known = await _renewed(store, now, is_known)
            await asyncio.sleep(_LOOK)
    finally:
        with suppress(OctoError, TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await store.delete(NAMESPACE, me())


async def _renewed(store: KeyValue, about: About, is_known: bool) -> bool:
    """Whether the entry was written. is_known: whether it was the last time."""
    try:
        seen = clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
        await store.put(NAMESPACE, me(), {"id": me(), **about, SEEN: seen}, ttl=TTL)
    except OctoError as error:
        if is_known:
            log.warning("this process is not listed as a member", extra=fields(error=str(error)))
        return False
    return True


async def members(store: KeyValue) -> list[Mapping[str, Any]]:
    """What the members tell of themselves."""
    return await entries(store, NAMESPACE)


async def entries(store: KeyValue, namespace: str) -> list[Mapping[str, Any]]:
    """The mappings of a namespace."""
    found: list[Mapping[str, Any]] = []
    after = ""
    while True:
        page = await store.list(namespace, after=after)
        for key in page.names:
            entry = await store.get(namespace, key)
            if entry is not None and isinstance(entry.value, dict):
                found.append(entry.value)
        if not (after := page.after):
            return found
