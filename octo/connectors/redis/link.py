"""The connections to the server: those of a pool for commands, and one of its own for each subscription.

The driver sends nothing twice: what was asked for may have been done although no answer came, so the flow decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import Any

from octo.connectors.redis import codes
from octo.connectors.redis.settings import Server
from octo.core.errors import Disconnected, NotConnected, OctoError, Permanent, Transient, system_reason
from octo.core.secrets import mask, masked

CONNECT = 5.0
"""Seconds to open a connection."""
_PASSING = ("OOM", "READONLY", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "BUSY", "TRYAGAIN", "CLUSTERDOWN")
"""First words of errors that pass."""


class Link:
    """The open connections. client: of redis-py. place: the address, without credentials."""

    def __init__(self, client: Any, place: str, timeout: float) -> None:
        self.client = client
        self.place = place
        self._timeout = timeout
        self._is_open = True

    async def run(self, *command: bytes | str | int) -> Any:
        """Run a command; returns its reply. Raises what `error` makes of an error."""
        if not self._is_open:
            raise Transient(f"{self.place}: the connector was closed", code=codes.UNREACHABLE)
        try:
            async with asyncio.timeout(self._timeout):
                return await self.client.execute_command(*command)
        except _failures() as error:
            raise self.error(error) from error

    async def script(self, text: str, keys: list[str], arguments: list[bytes | str | int]) -> Any:
        """Run a Lua script, which is one atomic act."""
        return await self.run("EVAL", text, len(keys), *keys, *arguments)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[Any]:
        """A connection of its own."""
        connection = self.client.connection_pool.make_connection()
        try:
            async with asyncio.timeout(CONNECT):
                await connection.connect()
            yield connection
        except _failures() as error:
            raise self.error(error) from error
        finally:
            await connection.disconnect(nowait=True)

    async def close(self) -> None:
        """Close all connections. The driver would open others for who goes on to ask."""
        self._is_open = False
        with suppress(*_failures()):
            await self.client.connection_pool.disconnect()

    def error(self, error: BaseException) -> OctoError:
        """An error of the driver as one of Octo."""
        from redis.exceptions import AuthenticationError, BusyLoadingError, ResponseError

        first = str(error).partition(" ")[0]
        word = getattr(error, "status_code", None) or (first if first.isupper() else "")
        text = masked(f"{self.place}: {_text(error)}")
        if isinstance(error, AuthenticationError):
            return Permanent(text, code=codes.REFUSED_LOGIN)
        if isinstance(error, BusyLoadingError) or word in _PASSING:
            return Transient(text, code=codes.NOT_NOW)
        if isinstance(error, ResponseError):
            return Permanent(text, code=codes.REFUSED)
        return Transient(text, code=codes.UNREACHABLE)


def lost(error: OctoError) -> OctoError:
    """The same error for a source: the engine opens the connector again if the connection is gone.

    What the server refuses, a person may mend there, e.g. a key of another type: the source looks again.
    """
    if error.code == codes.REFUSED:
        return Transient(str(error), code=codes.REFUSED)
    if error.code not in (codes.UNREACHABLE, codes.NOT_NOW, codes.REFUSED_LOGIN):
        return error
    made = Disconnected(str(error))
    made.code = error.code
    return made


@asynccontextmanager
async def opened(settings: Server) -> AsyncIterator[Link]:
    """Connect, and close in the end. Raises `Permanent` for what a person must change, else `NotConnected`."""
    try:
        await asyncio.to_thread(import_module, "redis.asyncio")  # it takes its time, and only who uses it pays
    except ModuleNotFoundError:
        raise Permanent("Redis needs redis-py: pip install 'octo-flows[redis]'") from None
    client = _client(settings)
    given = client.connection_pool.connection_kwargs
    link = Link(client, f"Redis at {given['host']}:{given['port']}/{given['db']}", settings.timeout.total_seconds())
    try:
        try:
            async with asyncio.timeout(CONNECT):
                await link.run("PING")
        except TimeoutError:
            # A server without TLS waits for the rest of what it takes for a command.
            hint = "; does it speak TLS at this port?" if settings.is_secure else ""
            raise NotConnected(f"{link.place}: no answer in time{hint}", code=codes.UNREACHABLE) from None
        except Permanent as error:
            if error.code != codes.REFUSED:
                raise
        except Transient as error:
            raise NotConnected(str(error), code=error.code) from error
        yield link
    finally:
        await link.close()


def _client(settings: Server) -> Any:
    from redis.asyncio import ConnectionPool, Redis
    from redis.asyncio.connection import parse_url
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    url = settings.url.get_secret_value()
    given: dict[str, Any] = dict(parse_url(url.replace("valkey", "redis", 1) if url.startswith("valkey") else url))
    if given.get("password"):
        mask(given["password"])
    if settings.tls is not None:
        files = {"ca_certs": settings.tls.ca, "certfile": settings.tls.cert, "keyfile": settings.tls.key}
        given |= {f"ssl_{name}": str(path) for name, path in files.items() if path is not None}
        if settings.tls.insecure_skip_verify:
            given |= {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
    defaults: dict[str, Any] = {"host": "localhost", "port": 6379, "db": 0}
    pool = ConnectionPool(
        **(defaults | given),
        protocol=2,
        socket_timeout=None,  # with one it waits with `asyncio.wait_for`, which may lose a cancellation (Python 3.11)
        socket_connect_timeout=CONNECT,
        socket_keepalive=True,
        client_name="octo",
        retry=Retry(NoBackoff(), 0),
    )
    client = Redis(connection_pool=pool)
    client.response_callbacks.clear()  # replies as the server gives them
    return client


def _failures() -> tuple[type[BaseException], ...]:
    from redis.exceptions import RedisError

    return (RedisError, OSError, TimeoutError)


def _text(error: BaseException) -> str:
    from redis.exceptions import RedisError, ResponseError, TimeoutError as DriverTimeout

    if isinstance(error, TimeoutError | DriverTimeout):
        return "no answer in time"
    word = getattr(error, "status_code", None) or ""
    if not isinstance(error, ResponseError):
        while isinstance(error, RedisError) and (cause := error.__cause__ or error.__context__) is not None:
            error = cause
        if isinstance(error, OSError):
            return system_reason(error)[:300]
    text = str(error)[:300]
    return f"{word} {text}" if word and not text.startswith(word) else text
