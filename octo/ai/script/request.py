"""A request to a model as conditions see it."""

from __future__ import annotations

from typing import Any

from octo.ai.conversation import Ask, Assistant, Results, Tool, ToolResult, User, as_json
from octo.core import codec

_LONGEST = 60


def seen(ask: Ask, model: str) -> dict[str, Any]:
    """Return the `request` of `when` and `that`."""
    return {
        "model": model,
        "system": ask.system,
        "messages": as_json(ask.turns),
        "text": text(ask),
        "turn": sum(isinstance(each, Assistant) for each in ask.turns),
        "results": _results(ask),
        "tools": {each.name: _tool(each) for each in ask.tools},
        "choice": ask.choice,
        "only": ask.only,
        "maxTokens": ask.max_tokens,
        "schema": None if ask.schema is None else dict(ask.schema),
    }


def text(ask: Ask) -> str:
    """The newest text of the user."""
    return next((each.text for each in reversed(ask.turns) if isinstance(each, User)), "")


def brief(ask: Ask) -> str:
    """The newest text of the user, for messages."""
    return short(text(ask))


def short(text: str) -> str:
    """The beginning of a text, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _results(ask: Ask) -> list[dict[str, Any]]:
    last = ask.turns[-1] if ask.turns else None
    return [_result(each) for each in last.results] if isinstance(last, Results) else []


def _result(result: ToolResult) -> dict[str, Any]:
    try:
        value = codec.read(result.content)
    except codec.NotJson:
        value = None
    return {
        "id": result.id,
        "tool": result.name,
        "content": result.content,
        "json": value,
        "isError": result.is_error,
        "attachments": len(result.attachments),
    }


def _tool(tool: Tool) -> dict[str, Any]:
    return {"description": tool.description, "input": dict(tool.input)}
