"""Limits the bytes of a result of PostgreSQL while it arrives.

asyncpg keeps a result until it is complete. A cursor would bound that, but needs a transaction and two more round trips
for every query. So the bytes are counted between the connection and asyncpg, and a result that is too large ends the
connection: nothing else stops the server at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from octo.connectors.database import errors


class Meter(asyncio.Protocol):
    """Hands on to `protocol` what comes, and counts it while a result is limited."""

    def __init__(self, protocol: Any, transport: Any) -> None:
        self._protocol = protocol
        self._transport = transport
        self._left: float = float("inf")
        self.eof_received = protocol.eof_received  # type: ignore[method-assign]
        self.connection_lost = protocol.connection_lost  # type: ignore[method-assign]
        self.pause_writing = protocol.pause_writing  # type: ignore[method-assign]
        self.resume_writing = protocol.resume_writing  # type: ignore[method-assign]
        transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self._transport.abort()
        else:
            self._protocol.data_received(data)

    @contextmanager
    def limited(self, most: int) -> Iterator[None]:
        """Within the context at most so many bytes come. Raises `Permanent` instead of any error if there were more."""
        self._left = most
        try:
            yield
        except Exception:
            if self._left < 0:
                raise errors.too_many_bytes(most) from None
            raise
        finally:
            self._left = float("inf")
