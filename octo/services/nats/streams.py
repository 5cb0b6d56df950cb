"""The streams that hold everything, and what the server must be able to do."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from octo.core.errors import OctoError, Permanent
from octo.services import codes, squeezed
from octo.services.nats import errors
from octo.services.nats.address import Address
from octo.services.nats.connection import Connection
from octo.services.nats.link import Link

LEAST = (2, 12)
"""The first version of the server that does all that is needed, and counts what is read as we do."""
VERSION = 1
"""Of what the streams hold."""
MOST_EVENTS = 10_000 + 512
"""Events that a topic keeps. More than a subscriber may be behind, so that one from whom some are gone is told."""

KEYS, QUEUES, TOPICS = "keys", "queues", "topics"

_STREAMS: Mapping[str, tuple[tuple[str, ...], dict[str, object]]] = {
    KEYS: (("key.*.*", "lease.*", "seen.*.*"), {"max_msgs_per_subject": 1, "allow_direct": False}),
    QUEUES: (
        ("queue.*.*.*", "dead.*.*.*", "sent.*.*.*", "wait.*.*.*", "turn.*.*", "reply.*.*"),
        {"max_msgs_per_subject": 1, "allow_direct": True},
    ),
    TOPICS: (("topic.*",), {"max_msgs_per_subject": MOST_EVENTS, "allow_direct": True}),
}
"""The subjects of each, below the prefix, and what is its own. Keys are read from the leader alone: a read that begins
after a write has returned must see it."""


def check(address: Address, connection: Connection) -> None:
    """Raise `Permanent` for a server that cannot do what is needed."""
    info = connection.info
    version = str(info.get("version", "0"))
    numbers = re.findall(r"\d+", version)[:2]
    if tuple(map(int, numbers)) < LEAST:
        raise _refused(address, f"the server has version {version}; services need 2.12 or newer")
    if not info.get("jetstream"):
        raise _refused(address, "the server has no JetStream: start it with `-js`, or write `jetstream {}` in its file")
    if info.get("max_payload", 0) < squeezed.MOST:
        raise _refused(
            address,
            f"the server takes messages of at most {info.get('max_payload'):,} bytes, and a value may need "
            f"{squeezed.MOST:,}: write `max_payload: 8MB` in its file",
        )


async def prepare(link: Link) -> None:
    """Create the streams that are not there. Raises `Permanent` for those of something else, or of a newer Octo."""
    for kind in _STREAMS:
        name = f"{link.address.prefix}_{kind}"
        try:
            found = await link.look(name)
        except errors.Refused as error:
            if error.number != errors.NO_STREAM:
                raise
            await _create(link, name, kind)
            found = await link.look(name)
        _judge(link.address, name, found["config"])


async def _create(link: Link, name: str, kind: str) -> None:
    subjects, own = _STREAMS[kind]
    try:
        await link.api(
            f"STREAM.CREATE.{name}",
            name=name,
            subjects=[f"{link.address.prefix}.{each}" for each in subjects],
            retention="limits",
            storage="file",
            discard="old",
            num_replicas=link.address.replicas,
            allow_msg_ttl=True,
            # Versions and tokens never come again, not even after the stream was lost with all it held.
            first_seq=round(time.time() * 1e6),
            metadata={"octo": str(VERSION)},
            **own,
        )
    except errors.Refused as error:
        if error.number != _EXISTS:  # another process was faster
            raise _refused(link.address, f"the stream {name!r} cannot be created: {error}") from None


_EXISTS = 10058


def _judge(address: Address, name: str, config: Mapping[str, Any]) -> None:
    version = (config.get("metadata") or {}).get("octo", "")
    if not version.isdecimal():
        raise _refused(address, f"the stream {name!r} is of something else; choose another prefix: `nats://host/name`")
    if int(version) > VERSION:
        raise _refused(
            address, f"the stream {name!r} was written by a newer Octo: its version is {version}, not {VERSION}"
        )


def _refused(address: Address, text: str) -> OctoError:
    return Permanent(f"{address.where}: {text}", code=codes.NOT_STARTED)
