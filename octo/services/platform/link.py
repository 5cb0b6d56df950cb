"""The connections to the data plane, and the calls over them.

A call that the platform surely has not carried out is tried again for a while: so a platform that is started anew
costs its deployments a pause, and no message.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
from yarl import URL

from octo.core.backoff import Backoff
from octo.core.errors import NotConnected, Transient
from octo.core.secrets import masked
from octo.core.tls import reason
from octo.services import codes
from octo.services.platform import errors
from octo.services.platform.address import Address
from octo.services.platform.errors import Problem

PREFIX = "/data/v1"
PATIENCE = 10.0
"""Seconds that a call may take, beside those that it waits for something to come."""
CONNECTIONS = 32
"""Calls at once; those that wait for something are not counted."""
MOST = 16 << 20
"""Bytes of an answer."""

_KEEP = 30.0
"""Seconds for which a connection is kept that is not used: the server keeps it for longer."""
_PAUSES = Backoff(0.1, 2.0, jitter=0.3)
_UNAVAILABLE = 503
"""What a proxy answers as long as there is nobody behind it."""


class Answer(NamedTuple):
    """problem: None if it was carried out; else one that the caller knows what to do about."""

    body: bytes
    headers: Mapping[str, str]
    problem: Problem | None = None
    status: int = 200


class Busy(Transient):
    """The server has not begun with it."""

    code = codes.SERVER


class Broken(Transient):
    """The server may have carried it out."""

    code = codes.SERVER


class Link:
    """See the module; made by `opened`. patience: see `PATIENCE`."""

    def __init__(self, address: Address, calls: Any, waits: Any, patience: float) -> None:
        self._address = address
        self._calls = calls
        self._waits = waits
        self._patience = patience

    @property
    def where(self) -> str:
        return self._address.where

    async def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, object],
        body: bytes = b"",
        *,
        known: Collection[str] = (),
        wait: float = 0.0,
        again: bool = False,
    ) -> Answer:
        """Ask for something.

        known: codes of problems that the caller handles. wait: seconds that the server may wait for something to come.
        again: whether it does no harm if it is done twice.
        Raises `NotConnected` if the server did not get it; `Transient` if it refused, or did not answer in time: in
        that case it may have been done.
        """
        time = asyncio.get_running_loop().time
        patience = time() + self._patience + wait
        failures = 0
        while True:
            try:
                return await self.once(method, path, query, body, known=known, wait=wait)
            except (NotConnected, Busy, Broken) as error:
                failures += 1
                pause = _PAUSES.pause(failures)
                if time() + pause > patience or (isinstance(error, Broken) and not again):
                    raise
                await asyncio.sleep(pause)

    async def once(
        self,
        method: str,
        path: str,
        query: Mapping[str, object],
        body: bytes = b"",
        *,
        known: Collection[str] = (),
        wait: float = 0.0,
        patience: float | None = None,
    ) -> Answer:
        """The same, without a second try."""
        seconds = (self._patience if patience is None else patience) + wait
        try:
            async with asyncio.timeout(seconds):
                status, headers, content = await self._sent(
                    method, _url(self._address.url + PREFIX + path, query), body, wait
                )
        except aiohttp.ClientConnectorError as error:
            told = f"cannot connect to {self.where}: {masked(reason(error.os_error))}"
            raise NotConnected(told, code=codes.SERVER) from error
        except TimeoutError as error:
            raise Broken(f"{self.where} did not do it: no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Broken(f"{self.where} did not do it: the connection broke") from error
        if 200 <= status < 300:
            return Answer(content, headers, None, status)
        problem = errors.problem(status, content)
        if problem.code == "busy" or (not problem.code and status == _UNAVAILABLE):
            raise Busy(f"{self.where} did not do it: {masked(problem.text[:300])}")
        if problem.code in known:
            return Answer(content, headers, problem, status)
        raise errors.refused(self.where, problem)

    async def _sent(self, method: str, url: URL, body: bytes, wait: float) -> tuple[int, Mapping[str, str], bytes]:
        client = self._waits if wait else self._calls
        async with client.request(method, url, data=body or None, allow_redirects=False) as response:
            content = bytearray()
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > MOST:
                    raise Transient(f"{self.where} answered more than {MOST:,} bytes", code=codes.SERVER)
            return response.status, response.headers, bytes(content)


def _url(base: str, query: Mapping[str, object]) -> URL:
    """Everything but letters, digits, `_`, `-`, `~` and `.` is written as %XX, so nothing on the way reads it."""
    given = "&".join(f"{name}={_written(value)}" for name, value in query.items() if value is not None)
    return URL(f"{base}?{given}" if given else base, encoded=True)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote(repr(value) if isinstance(value, float) else str(value), safe="")


@asynccontextmanager
async def opened(address: Address, patience: float = PATIENCE) -> AsyncIterator[Link]:
    """A link; connections are opened when needed."""
    async with _session(address, CONNECTIONS) as calls, _session(address, 0) as waits:
        yield Link(address, calls, waits, patience)


@asynccontextmanager
async def _session(address: Address, most: int) -> AsyncIterator[Any]:
    """most: connections at once, 0 for any number."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=most, keepalive_timeout=_KEEP),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "octo", "Authorization": f"Bearer {address.token}"},
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type"),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=address.connect),
    ) as client:
        client._retry_connection = False  # noqa: SLF001  there is no option; whether it may be done twice is said here
        yield client
