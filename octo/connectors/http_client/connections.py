"""The connections of a client: which are kept, which may be used again, and which certificates are trusted."""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError

from octo.connectors.http_client import codes, settings
from octo.connectors.http_client.addresses import Guard
from octo.core.errors import Permanent
from octo.core.tls import ClientTls


def connections(pool: settings.Pool, tls: ClientTls, guard: Guard) -> aiohttp.TCPConnector:
    """Return what opens and keeps the connections. Raises `OctoError` if the certificates cannot be used."""
    options: dict[str, Any] = {"guard": guard, "limit": 0, "ssl": _trust(tls)}
    if pool.disable_keep_alives:
        return _Connector(force_close=True, **options)
    return _Pool(pool, keepalive_timeout=pool.idle_conn_timeout.total_seconds(), **options)


def _trust(tls: ClientTls) -> ssl.SSLContext | bool:
    if tls == ClientTls():
        return True
    try:
        return tls.context()
    except Permanent as error:
        raise Permanent(str(error), code=codes.TLS) from error


class _Connector(aiohttp.TCPConnector):
    def __init__(self, guard: Guard, **options: Any) -> None:
        super().__init__(**options)
        self._guard = guard
        self._factory: Callable[[], ResponseHandler] = partial(_Reader, loop=self._loop)  # type: ignore[assignment]

    async def _resolve_host(self, host: str, port: int, traces: Any = None) -> list[ResolveResult]:
        found = await super()._resolve_host(host, port, traces)
        self._guard.check_connection(host, port, (each["host"] for each in found))
        return found


class _Reader(ResponseHandler):
    """Reads answers. A mistake in the middle of one reaches its reader, which otherwise waited until its time was over.

    It also says which mistake it is if a server writes on after the end of its answer.
    """

    _packet = b""
    _waiting: select.poll | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        found = transport.get_extra_info("socket")
        if found is not None and hasattr(select, "poll"):
            self._waiting = select.poll()
            self._waiting.register(found.fileno(), select.POLLIN)

    def rest(self) -> None:
        """Between two answers. What arrives now is put aside, where `should_close` sees it."""
        self._parser = None
        self._packet = b""

    def is_quiet(self) -> bool:
        """Whether nothing has arrived since the last answer: neither read nor still in the socket."""
        return not self.should_close and (self._waiting is None or not self._waiting.poll(0))

    def data_received(self, data: bytes) -> None:
        self._packet = data
        super().data_received(data)

    def set_exception(self, exc: BaseException, *causes: BaseException) -> None:
        body = self._payload
        if isinstance(exc, HttpProcessingError):
            exc.message = self._surplus(exc.message) or exc.message
            if isinstance(body, aiohttp.StreamReader) and not body.is_eof() and body.exception() is None:
                body.set_exception(exc, *causes)
        super().set_exception(exc, *causes)

    def _surplus(self, message: str) -> str | None:
        """Return what is wrong if bytes follow an answer, None if no answer was there to begin with."""
        if "Expected HTTP/" not in message or not self._packet.startswith(b"HTTP/1."):
            return None
        if self._skip_payload:
            return "an answer to HEAD has no body, but the server sent one"
        status = self._packet[9:12].decode("latin-1")
        if status in ("204", "304"):
            return f"an answer of {status} has no body, but the server sent one"
        return "the server sent more than the `Content-Length` of its answer"


class _Pool(_Connector):
    """aiohttp limits open connections, the settings limit idle ones: a connection beyond that limit is closed.

    A kept connection on which anything has arrived since its last answer is closed, too. What arrived was taken for the
    answer to the next request, which may be another user's; or the server has closed it, and the request would be lost.
    """

    def __init__(self, pool: settings.Pool, **options: Any) -> None:
        super().__init__(**options)
        self._most = pool.max_idle_conns
        self._most_per_host = pool.max_idle_conns_per_host

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        idle = self._conns
        full = bool(self._most_per_host) and key in idle and len(idle[key]) >= self._most_per_host
        full = full or (bool(self._most) and sum(map(len, idle.values())) >= self._most)
        protocol.rest()
        super()._release(key, protocol, should_close=should_close or full)

    async def _get(self, key: Any, traces: Any) -> Any:
        while (connection := await super()._get(key, traces)) is not None:
            reader = connection.protocol
            if isinstance(reader, _Reader) and reader.is_quiet():
                return connection
            connection.close()
        return None
