"""The connections of a client: which are kept, which may be used again, and which certificates are trusted."""

from __future__ import annotations

import select
import ssl
from typing import Any

import aiohttp

from octo.connectors.http_client import codes, settings
from octo.core.errors import OctoError


def connections(pool: settings.Pool, tls: settings.Tls) -> aiohttp.TCPConnector:
    """Return what opens and keeps the connections. Raises `OctoError` if the certificates cannot be used."""
    options: dict[str, Any] = {"limit": 0, "ssl": _trust(tls)}
    if pool.disable_keep_alives:
        return aiohttp.TCPConnector(force_close=True, **options)
    return _Pool(pool, keepalive_timeout=pool.idle_conn_timeout.total_seconds(), **options)


def _trust(tls: settings.Tls) -> ssl.SSLContext | bool:
    if tls.insecure_skip_verify:
        return False
    if tls.ca is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(tls.ca))
    except (OSError, ssl.SSLError) as error:
        raise OctoError(f"`tls.ca`: cannot use {tls.ca}: {error}", code=codes.TLS) from error


class _Pool(aiohttp.TCPConnector):
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
        protocol._parser = None  # noqa: SLF001  what arrives from now on is put aside, where `should_close` sees it
        super()._release(key, protocol, should_close=should_close or full)

    async def _get(self, key: Any, traces: Any) -> Any:
        while (connection := await super()._get(key, traces)) is not None:
            if _is_quiet(connection.protocol):
                return connection
            connection.close()
        return None


def _is_quiet(protocol: Any) -> bool:
    if protocol.should_close:
        return False
    found = protocol.transport.get_extra_info("socket")
    if found is None or not hasattr(select, "poll"):
        return True
    waiting = select.poll()
    waiting.register(found.fileno(), select.POLLIN)
    return not waiting.poll(0)
