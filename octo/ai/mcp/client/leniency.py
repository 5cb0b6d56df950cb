"""Answers that are nearly those of MCP: what is left out is filled in, and one bad tool takes no other with it.

The SDK checks an answer as a whole, and refuses all of it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from mcp.client.session import ClientSession
from mcp_types import methods

from octo.core.log import fields

log = logging.getLogger("octo.mcp")

_KINDS = ("text", "image", "audio", "resource", "resource_link")
_NEEDED = ("name", "description", "inputSchema")


def relax(session: ClientSession, version: str, place: str) -> None:
    """Let the session take such answers. version: of the protocol. place: how the log calls the server."""
    dispatcher: Any = session._dispatcher  # noqa: SLF001  the SDK has no other place before its check
    send = dispatcher.send_raw_request

    async def sent(method: str, params: Any, options: Any) -> Any:
        raw = await send(method, params, options)
        if method == "tools/call" and isinstance(raw, dict):
            return _called(raw, version)
        if method == "tools/list" and isinstance(raw, dict) and not _fits(method, version, raw):
            return _listed(raw, version, place)
        return raw

    dispatcher.send_raw_request = sent


def _fits(method: str, version: str, raw: Mapping[str, Any]) -> bool:
    try:
        methods.validate_server_result(method, version, raw)
    except KeyError:
        return True
    except (ValueError, RecursionError):
        return False
    return True


def _listed(raw: dict[str, Any], version: str, place: str) -> dict[str, Any]:
    """The list without the tools that are none. A tool loses what it says of itself before it is left out."""
    offered = raw.get("tools")
    if not isinstance(offered, list):
        return raw
    tools = []
    for tool in offered:
        forms = _forms(tool) if isinstance(tool, dict) else ()
        fitting = [each for each in forms if _fits("tools/list", version, {**raw, "tools": [each]})]
        if fitting:
            tools.append(fitting[0])
        else:
            name = str(tool.get("name") if isinstance(tool, dict) else tool)[:64]
            log.warning("tool left out", extra=fields(server=place, tool=name, reason="it is no tool of MCP"))
    return {**raw, "tools": tools}


def _forms(tool: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    schema = tool.get("inputSchema")
    if schema is None or (isinstance(schema, dict) and "type" not in schema):
        tool = {**tool, "inputSchema": {**(schema or {}), "type": "object"}}
    return tool, {name: tool[name] for name in _NEEDED if name in tool}


def _called(raw: dict[str, Any], version: str) -> dict[str, Any]:
    """The result with a list of content, of kinds that there are. A value that may not be structured is a text."""
    mended = {key: value for key, value in raw.items() if not (key == "isError" and value is None)}
    content = mended.get("content")
    if content is None and "structuredContent" in mended:
        content = mended["content"] = []
    if isinstance(content, list):
        mended["content"] = [_part(each) for each in content]
    structured = mended.get("structuredContent")
    if isinstance(structured, dict | None) or _fits("tools/call", version, mended):
        return mended
    del mended["structuredContent"]
    return mended if content else {**mended, "content": [{"type": "text", "text": json.dumps(structured)}]}


def _part(part: Any) -> Any:
    if not isinstance(part, dict) or part.get("type") in _KINDS:
        return part
    return {"type": "text", "text": f"[{part.get('type')}, {part.get('mimeType') or 'application/octet-stream'}]"}
