"""What a chain has made of a message, as content of MCP: text, pictures, sound and embedded resources.

Invariant: a secret that is known to be one is in no text.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import mcp_types as types
from pydantic import TypeAdapter, ValidationError

from octo.ai.mcp.serving import codes
from octo.core import codec, content
from octo.core.errors import Permanent
from octo.core.message import Message
from octo.core.secrets import masked
from octo.core.spool import Content

CONTENT = "mcpContent"
"""The variable with which a chain says itself what the content is."""

_BLOCKS: TypeAdapter[list[types.ContentBlock]] = TypeAdapter(list[types.ContentBlock])


def blocks(message: Message, *, is_prompt: bool = False) -> list[Any]:
    """Return the content: `vars.mcpContent`, else the body. Raises `Permanent` if the variable is no content.

    is_prompt: whether a body that is a text is one for people, and no JSON.
    """
    said = message.vars.get(CONTENT)
    if said is not None:
        return _said(said)
    if not message.raw:
        return [types.TextContent(text=_written(message.body) if is_prompt else _json(message.body))]
    kind, data = _data(message)
    family = kind.partition("/")[0]
    if isinstance(data, str):
        return [types.TextContent(text=masked(data))]
    if family == "image":
        return [types.ImageContent(data=_base64(data), mime_type=kind)]
    if family == "audio":
        return [types.AudioContent(data=_base64(data), mime_type=kind)]
    contents = types.BlobResourceContents(uri=f"octo:result/{message.event_id}", mime_type=kind, blob=_base64(data))
    return [types.EmbeddedResource(resource=contents)]


def contents(message: Message, uri: str, mime_type: str) -> Any:
    """Return what a client that reads a resource gets."""
    if not message.raw:
        return types.TextResourceContents(uri=uri, mime_type=mime_type, text=_written(message.body))
    kind, data = _data(message)
    if isinstance(data, str):
        return types.TextResourceContents(uri=uri, mime_type=kind, text=masked(data))
    return types.BlobResourceContents(uri=uri, mime_type=kind, blob=_base64(data))


def plain(value: object) -> Any:
    """Return the value as JSON alone: no exact numbers, times or bytes; and no secrets."""
    return json.loads(_json(value))


def _written(body: object) -> str:
    return masked(body) if isinstance(body, str) else _json(body)


def _json(body: object) -> str:
    return masked(codec.write(body).decode())


def _said(value: object) -> list[Any]:
    try:
        return _BLOCKS.validate_python(plain(value), by_name=False)
    except (ValidationError, ValueError):
        raise Permanent(f"`vars.{CONTENT}` is no list of content blocks of MCP", code=codes.BAD_CONTENT) from None


def _data(message: Message) -> tuple[str, str | bytes]:
    kind, _ = content.out(message.body)
    data = content.data(message.body)
    if isinstance(data, Content):
        data = data.read()
    return kind.partition(";")[0].strip() or content.BINARY, data


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
