"""The route of the server of MCP. The library behind it is imported with the first request: it takes its time."""

from __future__ import annotations

import asyncio
import json
from importlib import import_module
from typing import Any

from fastapi import Request, Response

from octo_platform.mcp.tools import tools_of
from octo_platform.problem import Problem
from octo_platform.web.call import Asked, Call
from octo_platform.web.routing import Routes

routes = Routes("mcp")

_PARSE = -32700
_JSON: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
}


@routes.on("POST", "/mcp", "mcp.use", openapi=_JSON, response_class=Response)
async def speak(call: Asked, request: Request) -> Response:
    """Answer one message of the Model Context Protocol. It needs an API key; a session has no place here.

    There are no sessions of the protocol and no streams: each request stands for itself.
    """
    call.installation.identity.same_site(request.method, request.headers, by_cookie=False)
    call.is_noted = True  # it changes nothing by itself; each call of a tool is a request of its own, and noted as that
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem("wrong-type", "send JSON, with the header `Content-Type: application/json`")
    return await _answered(call, request, await request.body())


async def _answered(call: Call, request: Request, body: bytes) -> Response:
    protocol, server, asking = await _loaded(request)
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        reply = protocol.refusal(_PARSE, "the body is not valid JSON")
    else:
        reply = await protocol.exchange(server, message, _seen(request, protocol), asking(request, call.who))
    headers = {"Cache-Control": "no-store"}
    if reply.body is None:
        return Response(status_code=reply.status, headers=headers)
    # In ASCII: what a client sent, such as its request id, may have halves of characters, which no encoding has.
    return Response(json.dumps(reply.body), reply.status, headers, "application/json")


async def _loaded(request: Request) -> tuple[Any, Any, Any]:
    """What answers requests, the server of this application, and what its handlers get."""
    found = getattr(request.app.state, "mcp", None)
    if found is None:
        protocol = await asyncio.to_thread(import_module, "octo.mcp.exchange")
        made = await asyncio.to_thread(import_module, "octo_platform.mcp.server")
        server = made.server(tools_of(request.app.openapi()))
        found = request.app.state.mcp = (protocol, server, made.Asking)
    return found


def _seen(request: Request, protocol: Any) -> Any:
    """The headers, as the protocol wants to see them."""
    counts = {name: len(request.headers.getlist(name)) for name in protocol.ROUTING}
    repeated = next((name for name, count in counts.items() if count > 1), "")
    return protocol.Seen(dict(request.headers), is_routed=True, repeated=repeated)
