"""One granian server on a socket that the listener owns.

granian's own `Server` opens the socket itself, always with SO_REUSEPORT, so that a busy port goes unnoticed; it also
sets up logging for the whole process. So this module runs granian's worker directly.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from octo.connectors.http import codes
from octo.connectors.http.response import busy
from octo.core.errors import OctoError
from octo.core.log import fields

log = logging.getLogger("octo.http")

BACKLOG = 1024
PATIENCE = 3.0
"""Seconds that a stopping server gives clients to take responses that are already written. It cannot tell them from
clients that have connected and send nothing, as browsers do in advance; a stop must not wait for these."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options in which servers on the same socket may differ.

    certificate: the content of the files, so that a renewed certificate under the same name is noticed.
    """

    header_timeout: float
    keep_alive: bool
    max_header_bytes: int
    cert: str = ""
    key: str = ""
    certificate: bytes = b""


class Worker:
    """Accepts from the socket and calls `serve` with every request, as a callback of the running loop.

    most: while this many connections are open, granian accepts none without a word, so it is set so high that only the
    file numbers run out; the connector's own limit counts requests and refuses them with 503.
    """

    def __init__(self, listening: socket.socket, options: Options, most: int, serve: Callable[[Any], None]) -> None:
        granian: Any = importlib.import_module("granian._granian")
        loop = asyncio.get_running_loop()
        self.users = 0
        self._stopped = asyncio.Event()
        self._signal = granian.WorkerSignal()
        self._signal.add_cb(partial(_tell, loop, self._stopped))
        # Invariant: the worker closes the descriptor it is given, so it gets one of its own.
        holder = granian.SocketHolder(listening.dup().detach(), False, BACKLOG)
        self._worker = granian.RSGIWorker(
            1,
            (None, holder),
            None,
            backpressure=most,
            # HTTP/1 only: while granian waits to detect the version, no timeout applies to a client that sends nothing.
            http_mode="1",
            http1_opts=_http1(options),
            ssl_enabled=bool(options.cert),
            ssl_cert=options.cert or None,
            ssl_key=options.key or None,
            ssl_protocol_min="tls1.2",
            ssl_crl=[],
            metrics=(None, None),
        )
        scheduler = granian.CallbackScheduler(loop, serve, None, None, None)
        scheduler._schedule_fn = _Handover(loop, serve).put  # noqa: SLF001  as granian's own do
        self._worker.serve_async(scheduler, loop, self._signal)

    def stop(self) -> None:
        """Accept no more connections. Idle ones close at once, the others after their response."""
        self._signal.set()

    async def stopped(self) -> None:
        """Return once all connections are closed, at most `PATIENCE` seconds later."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._stopped.wait()
        except TimeoutError:
            log.info("left connections behind that clients did not close", extra=fields(seconds=PATIENCE))


def _tell(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the loop may be gone by the time the last connection is
        loop.call_soon_threadsafe(stopped.set)


class _Handover:
    """Passes requests from granian's thread to that of the loop.

    Waking the loop is the most expensive part of a small request. So it is woken once for all requests that come before
    it gets to them, not once for each; that alone saves a third of the processor time of a busy server.

    Flows that never wait hold no permit that others could wait for: when they are too slow, requests pile up here. So
    the pile has a limit, and a request beyond it is refused at once.
    """

    MOST_AT_ONCE = 64
    MOST_WAITING = 1024

    def __init__(self, loop: asyncio.AbstractEventLoop, serve: Callable[[Any], None]) -> None:
        self._loop = loop
        self._serve = serve
        self._waiting: deque[Any] = deque()
        self._refused: deque[Any] = deque()
        self._is_woken = False

    def put(self, watcher: Any) -> None:
        """Called in granian's thread."""
        pile = self._waiting if len(self._waiting) < self.MOST_WAITING else self._refused
        pile.append(watcher)
        if not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        # Invariant: cleared before the queues are read, so that a request that comes too late for that wakes the loop.
        self._is_woken = False
        waiting, refused, serve = self._waiting, self._refused, self._serve
        while refused:
            watcher = refused.popleft()
            busy(watcher.proto, "server is overloaded", [])
            watcher.done()
        for _ in range(min(len(waiting), self.MOST_AT_ONCE)):
            serve(waiting.popleft())
        if waiting and not self._is_woken:
            self._is_woken = True
            self._loop.call_soon(self._take)  # others on the loop get their turn in between


def _http1(options: Options) -> Any:
    from granian.http import HTTP1Settings

    return HTTP1Settings(
        header_read_timeout=int(options.header_timeout * 1000),
        keep_alive=options.keep_alive,
        max_buffer_size=options.max_header_bytes,
    )


def check_certificate(cert: str, key: str) -> bytes:
    """Return the content of both files. Raises if they do not fit: granian would end the process."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
        return Path(cert).read_bytes() + Path(key).read_bytes()
    except (OSError, ssl.SSLError) as error:
        raise OctoError(f"`tls`: cannot use {cert} with {key}: {error}", code=codes.TLS) from error
