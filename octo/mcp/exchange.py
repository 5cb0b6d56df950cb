"""One request of MCP over HTTP and its one response: without a session, a stream or a memory of earlier requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import anyio
import anyio._backends._asyncio  # else anyio imports it while the first request waits
import mcp_types as types
from mcp.server.connection import Connection
from mcp.server.lowlevel import Server
from mcp.server.runner import modern_error_data, serve_one
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import NoBackChannelError
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    InboundLadderRejection,
    InboundModernRoute,
    classify_inbound_request,
    validate_mcp_param_headers,
)
from mcp.shared.transport_context import TransportContext
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import ValidationError

from octo.core.bounded import bounded

T = TypeVar("T")

VERSION, METHOD, NAME = "mcp-protocol-version", "mcp-method", "mcp-name"
ROUTING = (VERSION, METHOD, NAME)
_UNTOLD = "2025-03-26"
"""The revision of a client that names none, after its handshake."""


class Reply(NamedTuple):
    """The status and the body of a response; a notification is answered without a body."""

    status: int
    body: dict[str, Any] | None


class Seen(NamedTuple):
    """The headers of a request that the flow sees. is_routed: whether those that say what the body is about are."""

    values: Mapping[str, str]
    is_routed: bool
    repeated: str = ""


@dataclass
class _Alone:
    """The request as the SDK sees it: nothing can be sent to the client but its response."""

    transport: TransportContext
    request_id: types.RequestId
    message_metadata: None = None
    cancel_requested: anyio.Event = field(default_factory=anyio.Event)
    can_send_request: bool = False

    async def send_raw_request(
        self,
        method: str,
        params: Mapping[str, Any] | None,  # noqa: ARG002  the SDK's signature
        opts: CallOptions | None = None,  # noqa: ARG002  as above
    ) -> dict[str, Any]:
        raise NoBackChannelError(method)

    async def notify(self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None) -> None:
        pass

    async def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        pass


def refusal(code: int, message: str, id: types.RequestId | None = None, data: object = None) -> Reply:  # noqa: A002
    """Return the response to what was not even begun."""
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return Reply(ERROR_CODE_HTTP_STATUS.get(code, 200), {"jsonrpc": "2.0", "id": id, "error": error})


async def exchange(server: Server[T], body: object, seen: Seen, given: T) -> Reply:
    """Answer the request in this body. given: what the server's handlers get as the value of its lifespan."""
    if isinstance(body, dict) and "id" not in body:
        return _noted(body)
    try:
        request = types.JSONRPCRequest.model_validate(body)
    except (ValidationError, RecursionError):
        return refusal(types.INVALID_REQUEST, "the body must be one JSON-RPC request or notification")
    if seen.repeated:
        return refusal(types.HEADER_MISMATCH, f"the header {seen.repeated} is there more than once", request.id)
    if not _is_modern(request, seen):
        connection = Connection.from_envelope(seen.values.get(VERSION) or _UNTOLD, None, None)
        return await _served(server, _handshake(request), connection, given, is_modern=False)
    verdict = _verdict(server, request, seen)
    if isinstance(verdict, InboundLadderRejection):
        return refusal(verdict.code, verdict.message, request.id, verdict.data)
    connection = Connection.from_envelope(verdict.protocol_version, verdict.client_info, verdict.client_capabilities)
    return await _served(server, request, connection, given, is_modern=True)


def _verdict(
    server: Server[T], request: types.JSONRPCRequest, seen: Seen
) -> InboundModernRoute | InboundLadderRejection:
    """Return how to serve a request of revision 2026-07-28, or what is wrong with its envelope or its headers."""
    body = {"method": request.method, "params": request.params}
    verdict = classify_inbound_request(body, headers=seen.values if seen.is_routed else None)
    if isinstance(verdict, InboundLadderRejection):
        return verdict
    return _mismatch(server, request, seen) or verdict


def _noted(body: dict[str, Any]) -> Reply:
    try:
        types.JSONRPCNotification.model_validate(body)
    except (ValidationError, RecursionError):
        return refusal(types.INVALID_REQUEST, "the body must be one JSON-RPC request or notification")
    return Reply(202, None)


def _is_modern(request: types.JSONRPCRequest, seen: Seen) -> bool:
    """Whether it is of revision 2026-07-28 or later: by its header or its envelope, `initialize` by its header."""
    version = seen.values.get(VERSION)
    if version and version not in HANDSHAKE_PROTOCOL_VERSIONS:
        return True
    meta = (request.params or {}).get("_meta")
    is_enveloped = isinstance(meta, Mapping) and types.PROTOCOL_VERSION_META_KEY in meta
    return is_enveloped and request.method != "initialize"


def _mismatch(server: Server[T], request: types.JSONRPCRequest, seen: Seen) -> InboundLadderRejection | None:
    """Return what is wrong with the headers that repeat arguments of a tool."""
    params = request.params or {}
    name, arguments = params.get("name"), params.get("arguments")
    lookup = server.get_tool_input_schema
    if request.method != "tools/call" or not seen.is_routed or lookup is None or not isinstance(name, str):
        return None
    schema = lookup(name)
    if schema is None:
        return None
    return validate_mcp_param_headers(schema, arguments if isinstance(arguments, Mapping) else {}, seen.values)


def _handshake(request: types.JSONRPCRequest) -> types.JSONRPCRequest:
    """Return the request; of a client that names no revision, as one that speaks the first."""
    if request.method != "initialize":
        return request
    assumed = {
        "protocolVersion": HANDSHAKE_PROTOCOL_VERSIONS[0],
        "capabilities": {},
        "clientInfo": {"name": "unknown", "version": ""},
    }
    return request.model_copy(update={"params": {**assumed, **(request.params or {})}})


async def _served(
    server: Server[T],
    request: types.JSONRPCRequest,
    connection: Connection,
    given: T,
    *,
    is_modern: bool,
) -> Reply:
    alone = _Alone(TransportContext(kind="streamable-http", can_send_request=False), request.id)
    try:
        result = await serve_one(
            server, alone, request.method, request.params, connection=connection, lifespan_state=given
        )
    except Exception as error:  # noqa: BLE001  none of it may reach the client
        told = modern_error_data(error)
        is_unknown = told.code == types.METHOD_NOT_FOUND
        text = f'method "{bounded(request.method, 100)}" not found' if is_unknown else told.message
        answer = refusal(told.code, text, request.id, None if is_unknown else told.data)
        return answer if is_modern else answer._replace(status=200)
    return Reply(200, {"jsonrpc": "2.0", "id": request.id, "result": result})
