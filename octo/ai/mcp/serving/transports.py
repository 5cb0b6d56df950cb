"""How clients reach a server: over standard input and output, or over HTTP with sessions and streams."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings

from octo.core.message import Message

if TYPE_CHECKING:
    import uvicorn

LOCAL = ("127.0.0.1", "localhost", "[::1]")
MOST_REQUEST = 4 << 20
"""Bytes of one request over HTTP."""
MOST_SESSIONS, MOST_CALLS = 1_000, 1_000
IDLE = 600.0
"""Seconds after which a session that nobody uses ends."""


async def over_stdio(server: Server[Message]) -> None:
    """Serve the one client at the other end of standard input and output, until it leaves."""
    async with stdio_server() as (reader, writer):
        await server.run(reader, writer, server.create_initialization_options())


def application(server: Server[Message], host: str, hosts: Sequence[str], origins: Sequence[str]) -> Any:
    """Return the ASGI application of the server, at `/mcp`.

    hosts, origins: further values of the headers `Host` and `Origin` that are accepted. A page of another site, also
    one that pretends to be at this address, gets nothing.
    """
    names = {*LOCAL, *([f"[{host}]" if ":" in host else host] if host not in ("", "0.0.0.0", "::") else [])}  # noqa: S104
    allowed = [each for name in sorted(names) for each in (name, f"{name}:*")]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*allowed, *hosts],
        allowed_origins=[*(f"http://{each}" for each in allowed), *origins],
    )
    return server.streamable_http_app(
        host=host,
        transport_security=security,
        max_request_body_size=MOST_REQUEST,
        session_idle_timeout=IDLE,
        max_sessions=MOST_SESSIONS,
    )


async def over_http(app: Any, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve the application at the socket, until it is asked to stop."""
    serving = _server(app)
    async with anyio.create_task_group() as tasks:

        async def leave() -> None:
            await stop.wait()
            serving.should_exit = True

        tasks.start_soon(leave)
        await serving.serve([listener])
        tasks.cancel_scope.cancel()


def _server(app: Any) -> uvicorn.Server:
    import uvicorn

    class Quiet(uvicorn.Server):
        """It leaves the signals to the command."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        http="h11",  # httptools leaves blanks around the values of headers
        server_header=False,
        limit_concurrency=MOST_CALLS,
        timeout_graceful_shutdown=5,
        lifespan="on",
    )
    return Quiet(config)
