"""The client of aiomqtt, told to acknowledge a message only when it is settled. The only file that knows the library.

aiomqtt has no way to acknowledge late, and paho, on which it stands, acknowledges QoS 2 too early: it sends PUBREC at
once and keeps the message in memory, where a killed process loses it. So both are told here to wait; this uses names of
theirs that are not public, and `tests/connectors/mqtt` runs all of it against a real broker.
"""
# ruff: noqa: SLF001  see above

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import aiomqtt
from paho.mqtt.client import MQTTMessage, error_string
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

ProtocolVersion = aiomqtt.ProtocolVersion
__all__ = ["Client", "MQTTMessage", "PacketTypes", "Properties", "ProtocolVersion", "SubscribeOptions", "error_string"]

_UNSAID = "Unspecified error"


class Events(Protocol):
    """Who hears what happens on a connection. most: bytes that the broker allows for a packet."""

    most: int

    def arrived(self, message: Any) -> None: ...
    def confirmed(self, mid: int, code: object) -> None: ...
    def lose(self, reason: str) -> None: ...


class Client(aiomqtt.Client):
    """See the module. events: hears of messages, answers and the end of the connection."""

    def __init__(self, events: Events, **options: Any) -> None:
        super().__init__(**options)
        self._events = events
        paho: Any = self._client
        paho.manual_ack_set(True)
        self._send_pubrec: Callable[[int], int] = paho._send_pubrec
        paho._send_pubrec = self._came
        paho._handle_pubrel = self._released
        self.paho = paho

    # --- QoS 2 ---------------------------------------------------------------------------------------------------

    def _came(self, mid: int) -> int:
        """In place of PUBREC. paho keeps the message right after this; it is taken from there."""
        self._loop.call_soon(self._hand_over, mid)
        return 0

    def _hand_over(self, mid: int) -> None:
        message = self.paho._in_messages.pop(mid, None)
        if message is not None:
            self._events.arrived(message)

    def _released(self) -> int:
        """PUBREL: the broker has forgotten the message, which was finished before it was told so."""
        mid = int.from_bytes(self.paho._in_packet["packet"][:2])
        return int(self.paho._send_pubcomp(mid))

    def acknowledge(self, mid: int, qos: int) -> int:
        """Tell the broker that a message is finished; return an error of paho, 0 for none."""
        return int(self._send_pubrec(mid) if qos == 2 else self.paho.ack(mid, qos))

    # --- what happens --------------------------------------------------------------------------------------------

    def _on_message(self, client: Any, userdata: Any, message: MQTTMessage) -> None:  # noqa: ARG002  of the library
        self._events.arrived(message)

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        self._events.confirmed(mid, reason_code)
        super()._on_publish(client, userdata, mid, reason_code, properties)

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        self._events.most = getattr(properties, "MaximumPacketSize", None) or self._events.most
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        self._events.lose(self._why(str(reason_code)))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _why(self, reason: str) -> str:
        """Why the connection has ended, as far as anybody knows: few brokers say that another client has taken over."""
        if reason != _UNSAID:
            return reason
        taken = f"another client has the id {self.identifier!r}"
        return f"the connection was closed; if that happens again and again, {taken}"

    # --- its life ------------------------------------------------------------------------------------------------

    async def enter(self) -> None:
        """Connect. It connects in a thread, which nobody can stop: whoever is cancelled waits until it has ended."""
        caught: list[Exception] = []

        async def connect() -> None:
            try:
                await self.__aenter__()
            except Exception as error:  # noqa: BLE001  raised below, not in a group
                caught.append(error)

        is_cancelled = False
        async with asyncio.TaskGroup() as tasks:
            connecting = tasks.create_task(connect())
            while not connecting.done():
                try:
                    await asyncio.wait({connecting})
                except asyncio.CancelledError:
                    is_cancelled = True
        if is_cancelled:
            raise asyncio.CancelledError
        if caught:
            raise caught[0]
        self._disconnected.add_done_callback(self._ended)

    def _ended(self, future: asyncio.Future[None]) -> None:
        error = None if future.cancelled() else future.exception()
        self._events.lose("the connection was closed" if error is None else str(error))

    async def leave(self, seconds: float) -> None:
        """Disconnect; without an answer the socket is closed."""
        self.timeout = seconds
        try:
            await self.__aexit__(None, None, None)
        finally:
            self.paho._sock_close()
