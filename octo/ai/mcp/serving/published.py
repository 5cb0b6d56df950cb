"""Flows as tools of MCP: their descriptions and inputs are all that a client needs to call them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from octo.ai.mcp.serving import codes
from octo.ai.mcp.serving.offer import Offer, Run, Shape, Tool
from octo.core.deadline import Deadline
from octo.core.errors import Permanent
from octo.core.flow import Callee, Outcome, Result
from octo.core.message import Message

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_WHOLE = "body"
"""The argument that is the body, where a flow takes something else than a map."""
MOST = 4 << 20
"""Bytes of one result."""


def published(
    name: str, version: str, flows: Iterable[Callee], seconds: float, harmless: Collection[str] = ()
) -> Offer:
    """Return the flows as tools, each of which may take so long. harmless: those that change nothing outside.

    Raises `Permanent` if one cannot be a tool.
    """
    tools = [_tool(flow, seconds, is_harmless=flow.name in harmless) for flow in flows]
    return Offer(name=name, version=version, tools=tools, most=MOST)


def _tool(flow: Callee, seconds: float, *, is_harmless: bool) -> Tool:
    if not _NAME.fullmatch(flow.name):
        raise Permanent(f"the flow {flow.name!r} cannot be a tool: its name", code=codes.NOT_PUBLISHED)
    written = flow.input or {}
    is_map = written.get("type", "object") == "object"
    return Tool(
        name=flow.name,
        description=flow.description or f"The flow {flow.name}.",
        input=Shape.of(written if is_map else {"properties": {_WHOLE: written}, "required": [_WHOLE]}),
        run=_run(flow, seconds, is_map=is_map),
        annotations={"readOnlyHint": True} if is_harmless else None,
    )


def _run(flow: Callee, seconds: float, *, is_map: bool) -> Run:
    def run(message: Message) -> Result:
        if not is_map:
            assert isinstance(message.body, Mapping)
            message = message.with_body(message.body[_WHOLE])
        result = flow.call(message)
        return result if isinstance(result, Outcome) else Deadline(f'flow "{flow.name}"', seconds).of(result)

    return run
