"""The HTTP client below the vendors' libraries: time limits, certificates, a proxy, and a bound on what comes back."""

from __future__ import annotations

import logging
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import cache

import httpx2

from octo.ai.llm import settings
from octo.core.tls import ClientTls

LARGEST = 32 * 1024 * 1024
"""Bytes of an answer."""
CONNECT = 10.0
"""Seconds to get a connection."""
_LOUD = ("anthropic", "google_genai", "httpcore2", "httpx2", "openai", "pydantic_ai")


def client(given: settings.Provider) -> httpx2.AsyncClient:
    """Return a client for the API of a provider. It follows no redirect: the key is for one server."""
    seconds = given.timeout.total_seconds()
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(seconds, connect=min(seconds, CONNECT)),
        limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=100),
        verify=context(given.tls),
        proxy=None if given.proxy is None else given.proxy.get_secret_value(),
        # What is not compressed is as large as it looks.
        headers={"Accept-Encoding": "identity", **given.headers},
        event_hooks={"response": [_bound]},
    )


def context(tls: ClientTls) -> ssl.SSLContext:
    """Return what checks certificates. The machine's authorities take long to read, and are read once."""
    return _usual() if tls == ClientTls() else tls.context()


@cache
def _usual() -> ssl.SSLContext:
    return ClientTls().context()


def silence() -> None:
    """Keep the libraries from logging: they write addresses and requests, and what matters is in our errors."""
    for name in _LOUD:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
        logger.addHandler(logging.NullHandler())
    # They warn of what a model does not take, at each call; of answers with fields of another kind, which are our
    # errors if they matter; and of what their next version will change.
    warnings.filterwarnings("ignore", message="Pydantic serializer warnings")
    warnings.filterwarnings("ignore", module=rf"({'|'.join(_LOUD)}|google\.genai|octo\.ai\.llm\.wires)(\.|$)")


@asynccontextmanager
async def closing() -> AsyncIterator[None]:
    """Close all answers that are begun inside: the libraries leave a stream open that nobody reads to its end."""
    begun: list[httpx2.Response] = []
    token = _begun.set(begun)
    try:
        yield
    finally:
        _begun.reset(token)
        for response in begun:
            await response.aclose()


_begun: ContextVar[list[httpx2.Response] | None] = ContextVar("octo.llm.begun", default=None)


async def _bound(response: httpx2.Response) -> None:
    if (begun := _begun.get()) is not None:
        begun.append(response)
    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx2.RemoteProtocolError("the answer is compressed, though the request asked for a plain one")
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Bounded(response.stream)


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > LARGEST:
                raise httpx2.RemoteProtocolError(f"the answer has more than {LARGEST} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
