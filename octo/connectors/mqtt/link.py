"""A connection to a broker: opened once; its end is noticed. The engine opens another one.

A message is acknowledged when it is settled, not when it arrives. For QoS 2 that means: the first answer (PUBREC) waits
for the flow, since after it the broker forgets the message. So a process that is killed gets it again.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from octo.connectors.mqtt import codes
from octo.connectors.mqtt.settings import PORTS, Broker, Qos
from octo.core import tls
from octo.core.connected import Connected
from octo.core.errors import Disconnected, NotConnected, OctoError, Permanent, Timeout, Transient
from octo.core.log import fields
from octo.core.secrets import mask, masked
from octo.core.tls import ClientTls

log = logging.getLogger("octo.mqtt")
_quiet = logging.getLogger("octo.mqtt.client")
"""For the library: what it warns of, an error here says."""
_quiet.setLevel(logging.ERROR)

CONNECT = 10.0
"""Seconds to connect."""
ANSWER = 10.0
"""Seconds that the broker may take to answer."""
FAREWELL = 2.0
"""Seconds to say goodbye."""
MOST_BYTES = 268_435_455
"""What the protocol allows for a packet."""
_PASSING = ("server", "quota", "busy", "unspecified", "unavailable", "implementation", "receive maximum")
"""Words of reasons that may pass."""


class Link(Connected):
    """An open connection. client: see `octo.connectors.mqtt.client`.

    arrived: called with each message.
    """

    def __init__(self, broker: Broker, arrived: Callable[[Any], None]) -> None:
        super().__init__(broker.place)
        self.client: Any = None
        self.arrived = arrived
        self.is_5 = broker.version == "5"
        self.most = MOST_BYTES
        self._sent: dict[int, asyncio.Future[Any]] = {}

    def lose(self, reason: str) -> None:
        super().lose(reason)
        for each in self._sent.values():
            if not each.done():
                each.set_result(None)

    # --- sending -------------------------------------------------------------------------------------------------

    async def publish(self, topic: str, data: bytes, qos: Qos, retain: bool, properties: Any, seconds: float) -> None:
        """Return once the broker has confirmed the message, with QoS 0 once it is on its way."""
        what = f"publish on {topic!r}"
        if len(data) + len(topic) + 64 > self.most:
            raise Permanent(f"{what}: {len(data):,} bytes, the broker allows {self.most:,}", code=codes.TOO_LARGE)
        if self.is_lost:
            raise self.gone
        info = self.client.paho.publish(topic, data, qos, retain, properties)
        if info.rc != 0:
            raise Disconnected(f"{self.place}: {_words(info.rc)}")
        if qos:
            await self._confirmed(what, info.mid, seconds)

    async def _confirmed(self, what: str, mid: int, seconds: float) -> None:
        answer = self._sent[mid] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                code = await answer
        except TimeoutError:
            raise Timeout(f"{what}: the broker has not confirmed it within {seconds:g} seconds") from None
        finally:
            del self._sent[mid]
        if code is None:
            raise self.gone
        if failed := _refusal(what, code):
            raise failed

    def confirmed(self, mid: int, code: object) -> None:
        """Note that the broker has answered a message."""
        if (answer := self._sent.get(mid)) is not None and not answer.done():
            answer.set_result(code)

    # --- receiving -----------------------------------------------------------------------------------------------

    async def subscribe(self, topics: Iterable[str], qos: Qos) -> None:
        """Subscribe; returns once the broker has agreed. Raises what it answers, if that is an error."""
        for topic in topics:
            what = f"subscribe to {topic!r}"
            try:
                if self.is_5:
                    from octo.connectors.mqtt.client import SubscribeOptions

                    # Kept messages come once, not again with each connection.
                    options = SubscribeOptions(qos=qos, retainHandling=1)
                    granted = await self.client.subscribe(topic, options=options, timeout=ANSWER)
                else:
                    granted = await self.client.subscribe(topic, qos, timeout=ANSWER)
            except Exception as error:
                self.lose(_text(error))
                raise self.gone from error
            if failed := _refusal(what, granted[0]):
                raise Transient(str(failed), code=failed.code)  # a rule of the broker may change

    def acknowledge(self, mid: int, qos: int) -> None:
        """Tell the broker that a message is finished. Raises `Disconnected` if it cannot be told any more."""
        if self.is_lost:
            raise self.gone
        if code := self.client.acknowledge(mid, qos):
            raise Disconnected(f"{self.place}: {_words(code)}")


def _refusal(what: str, code: Any) -> OctoError | None:
    """What the reason code of an answer says, None if it is no error."""
    if getattr(code, "value", code) < 0x80:
        return None
    reason = str(code)
    kind = Transient if any(each in reason.lower() for each in _PASSING) else Permanent
    size = "too large" in reason.lower()
    return kind(f"{what}: the broker refuses it: {reason}", code=codes.TOO_LARGE if size else codes.REFUSED)


def _words(code: int) -> str:
    from octo.connectors.mqtt.client import error_string

    return str(error_string(code)).rstrip(".")


class _Socket(ssl.SSLSocket):
    """Closed when the handshake fails: paho forgets it then."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _text(error: BaseException) -> str:
    if isinstance(error.__context__, OSError):  # the library tells only its text
        return _text(error.__context__)
    return masked(tls.reason(error))


# --- opening -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def opened(
    broker: Broker,
    client_id: str,
    arrived: Callable[[Any], None],
    *,
    expiry: timedelta | None = None,
    most: int = 65535,
) -> AsyncIterator[Link]:
    """Connect, and close in the end. Raises `Permanent` for what a person must change, else `NotConnected`.

    expiry: for how long the broker keeps the session; None for none. most: messages that it may send ahead.
    """
    try:
        from octo.connectors.mqtt.client import Client
    except ModuleNotFoundError:
        raise Permanent("MQTT needs aiomqtt: pip install 'octo-flows[mqtt]'") from None

    link = Link(broker, arrived)
    link.client = Client(link, **_options(broker, client_id, expiry, most))
    try:
        await link.client.enter()
    except Exception as error:
        await _closed(link.client)
        raise _not_connected(error, broker) from error
    except BaseException:
        await _closed(link.client)
        raise
    try:
        yield link
    finally:
        link.lose("the connection was closed")
        await _closed(link.client)


def _options(broker: Broker, client_id: str, expiry: timedelta | None, most: int) -> dict[str, Any]:
    from octo.connectors.mqtt.client import PacketTypes, Properties, ProtocolVersion

    parts = broker.address
    options: dict[str, Any] = {
        "hostname": parts.hostname,
        "port": parts.port or PORTS[parts.scheme],
        "identifier": client_id,
        "keepalive": int(broker.keepalive.total_seconds()),
        "timeout": CONNECT,
        "logger": _quiet,
        "tls_context": _context(broker.tls or ClientTls()) if broker.is_secure else None,
        **_credentials(broker),
    }
    if broker.version != "5":
        return {**options, "protocol": ProtocolVersion.V311, "clean_session": expiry is None}
    properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = most
    properties.SessionExpiryInterval = 0 if expiry is None else min(int(expiry.total_seconds()), 0xFFFFFFFF)
    return {**options, "protocol": ProtocolVersion.V5, "clean_start": expiry is None, "properties": properties}


def _credentials(broker: Broker) -> dict[str, str]:
    parts = broker.address
    if broker.password is not None:
        return {"username": broker.username, "password": broker.password.get_secret_value()}
    if not parts.username:
        return {}
    password = unquote(parts.password or "")
    mask(password)
    return {"username": unquote(parts.username), "password": password}


def _context(certificates: ClientTls) -> ssl.SSLContext:
    made = certificates.context()
    made.sslsocket_class = _Socket
    return made


def _not_connected(error: Exception, broker: Broker) -> OctoError:
    text = f"cannot connect to {broker.place}: {_text(error)}"
    reason = text.lower()
    if any(each in reason for each in ("not authori", "user name", "identifier", "banned")):
        return Permanent(f"{text}; check the credentials of the connector", code=codes.NOT_ALLOWED)
    if "certificate" in reason:
        return Permanent(f"{text}; `tls.ca` names the authorities to trust")
    if broker.is_secure and isinstance(error.__context__, ConnectionResetError | ssl.SSLError):
        text += "; does the broker use TLS at this port?"
    return NotConnected(text)


async def _closed(client: Any) -> None:
    """Close the client. A dead broker must not hold it."""
    try:
        await client.leave(FAREWELL)
    except Exception as error:  # noqa: BLE001  it is closed either way
        log.info("no goodbye", extra=fields(error=_text(error)))
