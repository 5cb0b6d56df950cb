"""The client of an operations port, for the command line and for other processes."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import h11

from octo.operations.address import Address

PATIENCE = 5.0
"""Seconds that a whole answer may take, unless it is a stream."""
MOST = 64 * 1024 * 1024
"""An answer has at most this many bytes."""
_PIECE = 64 * 1024


class Reply(NamedTuple):
    """The answer of the port."""

    status: int
    body: bytes

    def json(self) -> Any:
        from octo.trace.packed import read

        return read(self.body)


class Unreachable(Exception):
    """The address does not answer, or is not an operations port."""


class Client:
    """Each request opens a new connection: requests are rare, and the other side is near."""

    def __init__(self, address: Address, token: str = "") -> None:
        self.address = address
        self._token = token

    async def get(self, path: str, timeout: float = PATIENCE, accept: str = "*/*") -> Reply:
        """Return the answer to a GET. Raises `Unreachable`."""
        return await self.ask("GET", path, timeout=timeout, accept=accept)

    async def facts(self, path: str, key: str) -> dict[str, Any]:
        """Return the JSON object at this path. Raises `Unreachable` if it lacks the key: it is no operations port."""
        reply = await self.get(path)
        with suppress(ValueError):
            found = reply.json()
            if reply.status == 200 and isinstance(found, dict) and key in found:
                return found
        raise Unreachable(f"{self.address} answers {reply.status}, but is not an operations port")

    async def ask(
        self, method: str, path: str, value: object = None, timeout: float = PATIENCE, accept: str = "*/*"
    ) -> Reply:
        """Return the answer to any request. `value` is sent as JSON unless None. Raises `Unreachable`."""
        try:
            async with asyncio.timeout(timeout), self.stream(method, path, value, accept) as (status, pieces):
                body = b""
                async for piece in pieces:
                    body += piece
                    if len(body) > MOST:
                        raise Unreachable(f"{self.address} answers with more than {MOST} bytes")
                return Reply(status, body)
        except TimeoutError:
            raise Unreachable(f"{self.address} does not answer within {timeout:g}s") from None

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, value: object = None, accept: str = "*/*"
    ) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """Provide the status and the pieces of the answer as they arrive. Raises `Unreachable`."""
        http = h11.Connection(h11.CLIENT)
        body = b"" if value is None else json.dumps(value).encode()
        writer = None
        try:
            reader, writer = await self._connect()
            for event in self._request(method, path, body, accept):
                writer.write(http.send(event) or b"")
            await writer.drain()
            status = await _status(http, reader)
            yield status, _pieces(http, reader)
        except (OSError, h11.RemoteProtocolError) as error:
            raise Unreachable(f"no answer from {self.address}: {_reason(error)}") from error
        finally:
            if writer is not None:
                writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.address.path:
            return await asyncio.open_unix_connection(self.address.path)
        return await asyncio.open_connection(self.address.host or "127.0.0.1", self.address.port)

    def _request(self, method: str, path: str, body: bytes, accept: str) -> list[h11.Event]:
        host = "localhost" if self.address.path else str(self.address)
        headers = [("host", host), ("accept", accept), ("connection", "close"), ("content-length", str(len(body)))]
        if self._token:
            headers.append(("authorization", f"Bearer {self._token}"))
        return [h11.Request(method=method, target=path, headers=headers), h11.Data(data=body), h11.EndOfMessage()]


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return str(error)


async def _status(http: h11.Connection, reader: asyncio.StreamReader) -> int:
    event = await _event(http, reader)
    while isinstance(event, h11.InformationalResponse):
        event = await _event(http, reader)
    if not isinstance(event, h11.Response):
        raise h11.RemoteProtocolError("the connection was closed without an answer")
    return event.status_code


async def _pieces(http: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while isinstance(event := await _event(http, reader), h11.Data):
        yield bytes(event.data)


async def _event(http: h11.Connection, reader: asyncio.StreamReader) -> Any:
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await reader.read(_PIECE))
    return event
