"""Results of tools, resources and prompts as values of a flow. They come from outside: each is bounded."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from octo.ai.conversation import Attachment
from octo.ai.mcp.client import codes
from octo.ai.tools import Answered
from octo.core import codec
from octo.core.errors import Permanent
from octo.core.secrets import masked

MOST_SHOWN = 1_000
"""Characters of a failed tool's text in an error."""

_NOTHING = object()


class Result(NamedTuple):
    """What a tool returned. parts: the items of its content as JSON. structured: the value beside them, if any."""

    parts: Sequence[Mapping[str, Any]]
    structured: object = _NOTHING
    is_error: bool = False

    @property
    def has_structure(self) -> bool:
        return self.structured is not _NOTHING

    @property
    def text(self) -> str:
        """All of its text; files are named."""
        return "\n".join(map(_told, self.parts))

    @property
    def value(self) -> object:
        """The result as a body: the structured value, else the text, or the list of parts if not all are text."""
        if self.has_structure:
            return self.structured
        return self.text if all(each.get("type") == "text" for each in self.parts) else list(self.parts)

    def within(self, most: int, tool: str) -> Result:
        """The same result. Raises `Permanent` if it has more bytes."""
        value = [self.parts, self.structured if self.has_structure else None]
        _bounded(value, most, f"the result of the tool {tool!r}")
        return self

    def failure(self, tool: str) -> Permanent:
        """The error that a result with `is_error` stands for."""
        text = self.text or codec.write(self.structured if self.has_structure else None).decode()
        return Permanent(f"the tool {tool!r} failed: {masked(text)[:MOST_SHOWN]}", code=codes.TOOL_FAILED)

    def answer(self, most: int) -> Answered:
        """The result as a model gets it: a long text is cut, files are attached."""
        text = self.text
        if self.has_structure and not text:
            text = codec.write(self.structured).decode()
        data = text.encode(errors="replace")
        if len(data) > most:
            kept = data[:most].decode(errors="ignore")
            text = f"{kept}\n[cut: the result has {len(data)} bytes, at most {most} are taken]"
        room = max(0, most - len(data))
        files = []
        for each in self.parts:
            found = _file(each)
            if found is not None and len(found.data) <= room:
                files.append(found)
                room -= len(found.data)
        return Answered(text, self.is_error, tuple(files))


def _told(part: Mapping[str, Any]) -> str:
    match part.get("type"):
        case "text":
            return str(part.get("text", ""))
        case "resource":
            inner = part.get("resource") or {}
            return str(inner["text"]) if "text" in inner else f"[resource {inner.get('uri')}, {_kind(inner)}]"
        case "resource_link":
            return f"[resource {part.get('uri')}: {part.get('description') or part.get('name')}]"
        case kind:
            return f"[{kind}, {_kind(part)}]"


def _kind(part: Mapping[str, Any]) -> str:
    return str(part.get("mimeType") or "application/octet-stream")


def _file(part: Mapping[str, Any]) -> Attachment | None:
    inner = part.get("resource") if part.get("type") == "resource" else part
    if not isinstance(inner, Mapping):
        return None
    text = inner.get("data") or inner.get("blob")
    if not isinstance(text, str):
        return None
    try:
        return Attachment(_kind(inner), base64.b64decode(text, validate=True), str(inner.get("uri") or ""))
    except (binascii.Error, ValueError):
        return None


def contents(found: Sequence[Mapping[str, Any]], most: int, uri: str) -> object:
    """The value of a resource: its text, its bytes, or a list of its parts if they are several."""
    _bounded(found, most, f"the resource {uri!r}")
    if len(found) != 1:
        return list(found)
    part = found[0]
    if "text" in part:
        return part["text"]
    file = _file(part)
    return None if file is None else file.data


def spoken(found: Sequence[Mapping[str, Any]], most: int, prompt: str) -> list[dict[str, object]]:
    """The messages of a prompt: who speaks, and what is said."""
    _bounded(found, most, f"the prompt {prompt!r}")
    return [{"role": each.get("role"), "text": _told(each.get("content") or {})} for each in found]


def _bounded(value: object, most: int, what: str) -> None:
    size = len(codec.write(value))
    if size > most:
        raise Permanent(f"{what} has {size} bytes, at most {most} are taken (`maxResultBytes`)", code=codes.TOO_LARGE)
