"""What the server must be like, so that nothing is lost: looked at whenever a connection that listens is opened.

Refused is a server that cannot keep what services promise: a cluster, a version before 6.2, keys that may be evicted. A
server that may lose the last writes in a crash is used, and the log says what may be lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from octo.core.errors import Permanent
from octo.services import codes
from octo.services.redis import errors, link
from octo.services.redis.address import Address

OLDEST = (6, 2)


async def inspect(connection: Any, address: Address) -> list[str]:
    """What may be lost on this server, a sentence each. Raises `Permanent` if it cannot be used at all."""
    told, fsync = await link.exchange(connection, [("INFO",), ("CONFIG", "GET", "appendfsync")])
    if isinstance(told, Exception):
        if errors.kind(told) != "NOPERM":
            raise errors.failed(address.where, told)
        return ["the user may not call INFO, so nobody has looked whether the server keeps what it acknowledges"]
    facts = dict(line.split(":", 1) for line in told.decode(errors="replace").splitlines() if ":" in line)
    for reason in _refusals(facts):
        raise Permanent(f"{address.where}: {reason}", code=codes.NOT_STARTED)
    # Hosted servers may not tell: they forbid CONFIG.
    known = fsync[1].decode() if isinstance(fsync, list) and len(fsync) > 1 else ""
    return list(_warnings(facts, known))


def _refusals(facts: dict[str, str]) -> Iterator[str]:
    version = tuple(map(int, re.findall(r"\d+", facts.get("redis_version", ""))[:2]))
    policy = facts.get("maxmemory_policy", "")
    if facts.get("cluster_enabled") == "1":
        yield "it is a node of a cluster, which services cannot use: use a server without `cluster-enabled`"
    if version < OLDEST:
        yield f"its version is {facts.get('redis_version')}, and services need 6.2 or later"
    if policy.startswith("allkeys") and facts.get("maxmemory") != "0":
        yield f"`maxmemory-policy {policy}` removes keys when memory is full, and so messages: use `noeviction`"


def _warnings(facts: dict[str, str], fsync: str) -> Iterator[str]:
    policy = facts.get("maxmemory_policy", "")
    if facts.get("aof_enabled") == "0":
        yield (
            "`appendonly no`: a crash or restart of the server loses what was written since its last snapshot, or all "
            "that it holds; use `appendonly yes` and `appendfsync always`"
        )
    elif fsync in _LOST:
        yield f"`appendfsync {fsync}`: a crash loses {_LOST[fsync]} that was acknowledged; use `appendfsync always`"
    if policy.startswith("allkeys"):
        yield f"`maxmemory-policy {policy}` loses messages once `maxmemory` is set: use `noeviction`"


_LOST = {"everysec": "up to two seconds", "no": "half a minute or more"}
