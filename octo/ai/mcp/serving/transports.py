"""How clients reach a server: over standard input and output, or over HTTP with sessions and streams."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import anyio
import mcp_types as types
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.message import SessionMessage
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from octo.core import tokens
from octo.core.errors import Transient
from octo.core.log import fields
from octo.core.message import Message

if TYPE_CHECKING:
    import uvicorn

log = logging.getLogger("octo.mcp")
LOCAL = ("127.0.0.1", "localhost", "[::1]")
MOST_REQUEST = 4 << 20
"""Bytes of one request over HTTP."""
MOST_SESSIONS, MOST_CALLS = 1_000, 1_000
IDLE = 600.0
"""Seconds after which a session that nobody uses ends."""


async def over_stdio(server: Server[Message]) -> None:
    """Serve the one client at the other end of standard input and output, until it leaves."""
    sender, receiver = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    async with stdio_server() as (reader, writer), anyio.create_task_group() as tasks:
        tasks.start_soon(_answering, reader, sender, writer)
        await server.run(receiver, writer, server.create_initialization_options())
        tasks.cancel_scope.cancel()


async def _answering(reader: Any, sender: Any, writer: Any) -> None:
    """Pass on what is a message; what is none is answered, where the SDK would only drop it."""
    async with sender:
        async for each in reader:
            if not isinstance(each, Exception):
                await sender.send(each)
                continue
            is_json = isinstance(each, ValidationError) and each.errors()[0]["type"] != "json_invalid"
            code, text = (types.INVALID_REQUEST, "no JSON-RPC message") if is_json else (types.PARSE_ERROR, "no JSON")
            error = types.JSONRPCError(jsonrpc="2.0", id=None, error=types.ErrorData(code=code, message=text))
            await writer.send(SessionMessage(error))


class Entrance(NamedTuple):
    """Who may come in over HTTP.

    hosts, origins: further values of the headers `Host` and `Origin` that are accepted. A page of another site, also
    one that pretends to be at this address, gets nothing.
    issuer: of the tokens that callers must have; "" lets everybody in. keys: where its keys are, if the issuer does not
    say. audience: for whom tokens must be, if not for the resource. scopes: what each must allow.
    resource: the address of the server as clients know it; default: where it listens.
    """

    hosts: Sequence[str] = ()
    origins: Sequence[str] = ()
    issuer: str = ""
    keys: str = ""
    audience: str = ""
    scopes: Sequence[str] = ()
    resource: str = ""


def application(server: Server[Message], host: str, port: int, entrance: Entrance) -> Any:
    """Return the ASGI application of the server, at `/mcp`."""
    name = f"[{host}]" if ":" in host else host
    names = {*LOCAL, *([name] if host not in ("", "0.0.0.0", "::") else [])}  # noqa: S104
    allowed = [each for name in sorted(names) for each in (name, f"{name}:*")]
    public = urlsplit(entrance.resource).netloc
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*allowed, *entrance.hosts, *([public] if public else [])],
        allowed_origins=[*(f"http://{each}" for each in allowed), *entrance.origins],
    )
    return server.streamable_http_app(
        host=host,
        transport_security=security,
        max_request_body_size=MOST_REQUEST,
        session_idle_timeout=IDLE,
        max_sessions=MOST_SESSIONS,
        **_guard(entrance, f"http://{name}:{port}/mcp"),
    )


def _guard(entrance: Entrance, address: str) -> dict[str, Any]:
    if not entrance.issuer:
        return {}
    resource = entrance.resource or address
    keys = tokens.Fetched(entrance.keys or entrance.issuer, is_issuer=not entrance.keys)
    settings = AuthSettings.model_validate(
        {
            "issuer_url": entrance.issuer,
            "resource_server_url": resource,
            "required_scopes": list(entrance.scopes) or None,
            "validate_token_resource": False,  # the audience is checked with the rest of the token
        }
    )
    trust = tokens.Trust(entrance.issuer, entrance.audience or resource)
    return {"auth": settings, "token_verifier": _Verifier(keys, trust)}


class _Verifier:
    """Checks the tokens of callers."""

    def __init__(self, keys: tokens.Keys, trust: tokens.Trust) -> None:
        self._keys = keys
        self._trust = trust

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            claims = await tokens.claims(token, self._keys, self._trust)
        except tokens.Refused as error:
            log.info("a token was refused", extra=fields(reason=str(error)))
            return None
        except Transient as error:
            log.error("tokens cannot be checked", extra=fields(code=error.code, error=str(error)))  # noqa: TRY400
            return None
        subject = str(claims.get("sub") or "")
        return AccessToken(
            token=token,
            client_id=str(claims.get("client_id") or claims.get("azp") or subject),
            scopes=str(claims.get("scope") or "").split(),
            expires_at=int(claims["exp"]) + 60,  # that it has not expired is checked above, with some leeway
            subject=subject or None,
            claims=claims,
        )


def _matters(record: logging.LogRecord) -> bool:
    """Whether a line of the SDK is worth writing: that a client has left in the middle of its request is no fault."""
    return record.exc_info is None or not isinstance(record.exc_info[1], ClientDisconnect)


async def over_http(app: Any, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve the application at the socket, until it is asked to stop."""
    logging.getLogger("mcp.server.streamable_http").addFilter(_matters)  # one that is there is not added again
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
