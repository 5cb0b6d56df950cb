"""The connection to NATS: it is opened once, and its end is noticed. The engine opens another one.

The client's own reconnecting is off: it would hide for minutes that nothing moves, and answer old subscriptions anew
behind the back of who reads them. A server that is gone without a word (a black hole) is noticed by a pulse.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from octo.connectors.nats import codes, login
from octo.connectors.nats.faults import is_end, text_of, told
from octo.connectors.nats.settings import Server
from octo.core.beside import beside
from octo.core.connected import Connected
from octo.core.errors import NotConnected, OctoError, Permanent
from octo.core.log import fields

log = logging.getLogger("octo.nats")

CONNECT = 10.0
"""Seconds to connect to one of the servers."""
PULSE = 5.0
"""Seconds between two questions to the server whether it lives."""
PATIENCE = 10.0
"""Seconds that it may take to answer one."""
FAREWELL = 2.0
"""Seconds to say goodbye."""


class Link(Connected):
    """An open connection. client: of nats-py. refused: what the server has not allowed last."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.client: Any = None
        self.refused = ""
        self._asked = asyncio.Event()
        self._answered = asyncio.Event()

    def lose(self, reason: str) -> None:
        super().lose(reason)
        self._answered.set()

    async def check(self) -> None:
        """Return once the server has answered. Raises `Disconnected` if the connection is gone or it does not."""
        if not self.is_lost:
            self._asked.set()
            await self._answered.wait()
        if self.is_lost:
            raise self.gone

    async def beat(self) -> None:
        """Ask the server again and again whether it lives, until the connection is gone."""
        try:
            while not self.is_lost:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PULSE):
                        await self._asked.wait()
                self._asked.clear()
                await self._ask()
                answered, self._answered = self._answered, asyncio.Event()
                answered.set()
        finally:
            self.lose("the connection was closed")

    async def _ask(self) -> None:
        # Invariant: nobody cancels this future. The client's `flush` does, when its caller is cancelled or it takes too
        # long; then the answer to it raises inside the client, which stops reading without a word.
        answer = asyncio.get_running_loop().create_future()
        try:
            await self.client._send_ping(answer)  # noqa: SLF001  see above
        except Exception as error:  # noqa: BLE001  whatever it is, the connection does not work
            self.lose(text_of(error))
            return
        await asyncio.wait({answer}, timeout=PATIENCE)
        if not answer.done():
            self.lose(f"no answer within {PATIENCE:g} seconds")

    async def request(self, subject: str, data: bytes, **how: Any) -> Any:
        """Ask, as the client does; but a cancellation that comes together with the answer is not lost.

        `asyncio.wait_for` of Python 3.11, which the client uses, swallows it.
        """
        task = asyncio.current_task()
        before = 0 if task is None else task.cancelling()
        answer = await self.client.request(subject, data, **how)
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError
        return answer

    def error(self, error: Exception, what: str) -> OctoError:
        """An error of the client as one of Octo. what: begins its text, e.g. `publish to "a"`."""
        if is_end(error):
            self.lose(text_of(error))
        return self.gone if self.is_lost else told(error, what, self.client.max_payload)


# --- opening -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def opened(settings: Server) -> AsyncIterator[Link]:
    """Connect, and close in the end. Raises `Permanent` for what a person must change, else `NotConnected`."""
    servers, given = login.addresses(settings)
    # Not as in the `url`, which is masked everywhere.
    link = Link(f"NATS at {', '.join(each.partition('://')[2] for each in servers)}")
    link.client = await _connected(settings, servers, given, link)
    try:
        async with beside(link.beat()):
            yield link
    finally:
        await _closed(link.client)


async def _connected(settings: Server, servers: list[str], given: dict[str, Any], link: Link) -> Any:
    try:
        from nats.aio.client import Client
    except ModuleNotFoundError:
        raise Permanent("NATS needs nats-py: pip install 'octo-flows[nats]'") from None

    client, heard = Client(), _Heard(link)
    options = {**given, **login.credentials(settings), "tls": settings.tls and settings.tls.context()}
    is_secret = settings.tls is not None or any(each.startswith(("tls://", "wss://")) for each in servers)
    if is_secret:
        options = {name: _secured(client, value) if name in _SENT else value for name, value in options.items()}
    try:
        async with asyncio.timeout(CONNECT):
            await client.connect(
                servers,
                name="octo",
                error_cb=heard.error,
                closed_cb=heard.closed,
                connect_timeout=max(1, int(CONNECT / (len(servers) + 1))),
                **_ONCE,
                **options,
            )
        if is_secret:
            _refuse_plain(client)
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError  # `wait_for` of Python 3.11 swallows one that comes together with an answer
    except BaseException as error:
        await _closed(client)
        if isinstance(error, Exception):
            raise _not_connected(error, heard.errors, link.place) from error
        raise
    return client


_ONCE: dict[str, Any] = {"allow_reconnect": False, "max_reconnect_attempts": 1, "reconnect_time_wait": 0}
"""Connect to each server once, and never again."""


class _Heard:
    """What the client says beside its answers. errors: the last ones."""

    def __init__(self, link: Link) -> None:
        self.errors: list[Exception] = []
        self._link = link

    async def error(self, error: Exception) -> None:
        self.errors.append(error)
        del self.errors[:-10]
        if "permissions violation" in str(error).lower():
            self._link.refused = text_of(error)
            log.error("NATS does not allow it", extra=fields(error=self._link.refused, code=codes.NOT_ALLOWED))

    async def closed(self) -> None:
        self._link.lose(text_of(self.errors[-1]) if self.errors else "the server has closed the connection")


_SENT = ("user", "password", "token")


def _secured(client: Any, value: str) -> Any:
    """The credential, for a connection with TLS alone: a server that does not offer it must not get it."""

    def given() -> str:
        _refuse_plain(client)
        return value

    return given


def _refuse_plain(client: Any) -> None:
    """Raise `Permanent` if the connection has no TLS: the client goes on without it where the server offers none."""
    writer = getattr(client._transport, "_io_writer", None)  # noqa: SLF001  it does not say
    if writer is not None and writer.get_extra_info("ssl_object") is None:
        raise Permanent("the server does not offer TLS, and the settings ask for it", code=codes.NOT_ALLOWED)


def _not_connected(error: Exception, heard: list[Exception], place: str) -> OctoError:
    if isinstance(error, Permanent):
        return error.within(f"cannot connect to {place}")
    said = [each for each in (*heard, error) if not isinstance(each, TimeoutError)]
    reason = text_of(said[-1]) if said else "no answer in time"
    reason = text_of(heard[-1]) if "no servers available" in reason and heard else reason
    text = f"cannot connect to {place}: {reason}"
    if "authorization" in reason.lower() or "authentication" in reason.lower():
        return Permanent(f"{text}; check the credentials of the connector", code=codes.NOT_ALLOWED)
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in (*heard, error)):
        return Permanent(f"{text}; `tls.ca` names the authorities to trust")
    return NotConnected(text)


async def _closed(client: Any) -> None:
    """Close the client. A dead server must not hold it: then the socket is closed without a goodbye."""
    try:
        async with asyncio.timeout(FAREWELL):
            await client.close()
    except Exception as error:  # noqa: BLE001  it is closed either way
        log.info("no goodbye", extra=fields(error=text_of(error)))
        transport = getattr(getattr(client, "_transport", None), "_io_writer", None)
        if transport is not None:
            transport.transport.abort()
