"""The authoring server over MCP, on the official SDK: it lists the tools, and calls them."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.server import Server
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError

from octo import __version__
from octo.ai.mcp.serving import transports
from octo.cli.authoring import codes
from octo.cli.authoring.desk import Desk, unknown
from octo.cli.authoring.refusal import Refused
from octo.cli.authoring.tools import INSTRUCTIONS, READ_ONLY, TOOLS, Tool
from octo.core import codec
from octo.core.log import fields

log = logging.getLogger("octo.authoring")

_DAY = 24 * 3600 * 1000


def server(desk: Desk) -> Server[Any]:
    """A server of the tools at this desk."""

    async def listed(
        _: ServerRequestContext[Any, Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        offered = [each for each in TOOLS.values() if desk.may_change or not each.changes]
        return types.ListToolsResult(tools=[_described(each, desk) for each in offered])

    async def called(_: ServerRequestContext[Any, Any], params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name not in TOOLS:
            raise MCPError(code=types.INVALID_PARAMS, message=unknown(params.name))
        return await _called(desk, params.name, params.arguments or {})

    return Server(
        "octo-author",
        version=__version__,
        title="Octo: write, test and repair flows",
        instructions=INSTRUCTIONS if desk.may_change else f"{INSTRUCTIONS}\n{READ_ONLY}",
        # They stay the same until the process ends.
        cache_hints={"tools/list": CacheHint(ttl_ms=_DAY)},
        on_list_tools=listed,
        on_call_tool=called,
    )


async def _called(desk: Desk, name: str, given: Mapping[str, object]) -> types.CallToolResult:
    try:
        return _result(await desk.do(name, given))
    except Refused as error:
        return _result(desk.shown({"error": error.as_json()}), is_error=True)
    except Exception as error:
        if not isinstance(error, OSError):  # a full disk, a folder without rights
            log.exception("a tool broke", extra=fields(tool=name))
        broken = Refused(codes.BROKE, f"{name}: {type(error).__name__}: {error}")
        return _result(desk.shown({"error": broken.as_json()}), is_error=True)


def _result(answer: Mapping[str, object], *, is_error: bool = False) -> types.CallToolResult:
    """The answer as a value, and as text for clients of older revisions."""
    text = types.TextContent(type="text", text=codec.write(answer).decode())
    return types.CallToolResult(content=[text], structured_content=dict(answer), is_error=is_error)


def _described(tool: Tool, desk: Desk) -> types.Tool:
    acts = tool.acts and desk.may_change  # a read-only desk runs only what others cannot notice
    changes = tool.changes or acts
    hints = types.ToolAnnotations(
        read_only_hint=not changes, destructive_hint=tool.destroys if changes else None, open_world_hint=acts
    )
    return types.Tool(
        name=tool.name,
        description=tool.about,
        input_schema=tool.schema,
        output_schema=tool.gives,
        annotations=hints,
    )


# --- transports --------------------------------------------------------------------------------------------------


async def over_stdio(desk: Desk) -> None:
    """Serve the process that started this one, until it closes standard input."""
    await transports.over_stdio(server(desk))


async def over_http(desk: Desk, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve clients of this machine until `stop`. The requests of web pages are refused."""
    host, port = listener.getsockname()[:2]
    app = transports.application(server(desk), host, port, transports.Entrance())
    await transports.over_http(app, listener, stop)
