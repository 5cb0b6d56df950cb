"""Channels: what is published while somebody listens."""

from __future__ import annotations

import asyncio
from typing import Any

from octo.connectors.redis.link import Link, lost
from octo.connectors.redis.settings import TIMEOUT, Subscribe
from octo.core import wire
from octo.core.delivery import Delivery
from octo.core.errors import OctoError
from octo.core.lanes import Lanes

PULSE = 5.0
"""Seconds without a message after which the server is asked whether it lives, and for which it may be silent then."""


async def listen(link: Link, settings: Subscribe, lanes: Lanes) -> None:
    """Put messages into the lanes while they have room, for ever.

    While there is none, they wait in the server, which closes the connection if they become too many.
    """
    try:
        async with link.alone() as connection:
            await _subscribe(connection, settings)
            is_asked = False
            while True:
                await lanes.room()
                heard = await connection.read_response(timeout=PULSE, disconnect_on_error=False)
                if heard is None and is_asked:
                    raise TimeoutError
                is_asked = heard is None
                if heard is None:
                    await connection.send_command("PING", check_health=False)
                elif heard[0] in (b"message", b"pmessage"):
                    lanes.put(_delivery(heard, settings))
                else:
                    lanes.alive()
    except OctoError as error:
        raise lost(error) from error


async def _subscribe(connection: Any, settings: Subscribe) -> None:
    for command, names in (("SUBSCRIBE", settings.channels), ("PSUBSCRIBE", settings.patterns)):
        if names:
            await connection.send_command(command, *names, check_health=False)
            async with asyncio.timeout(PULSE):
                for _ in names:
                    await connection.read_response()


def _delivery(heard: list[bytes], settings: Subscribe) -> Delivery:
    pattern, channel, data = (b"", *heard[1:]) if heard[0] == b"message" else heard[1:]
    variables = {"channel": channel.decode(errors="replace"), "pattern": pattern.decode(errors="replace")}
    made, unfit = wire.taken(data, (), settings, variables)
    return Delivery(made, timeout=settings.timeout.total_seconds() or TIMEOUT.total_seconds(), unfit=unfit)
