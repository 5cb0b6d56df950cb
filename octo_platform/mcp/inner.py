"""The request that a call of a tool is: it goes through the whole application, as one of any program would.

So who may, what is noted, what is refused and how it is told are decided in one place, for all ways in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from fastapi import Request

from octo_platform.mcp.tools import Tool, Where
from octo_platform.problem import Problem
from octo_platform.web.shapes import is_text

LARGEST = 256 << 10
"""Bytes of an answer: a model reads all of it."""

SLASHED = "path"
"""The only argument whose slashes are those of the request's path: the path of a file."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PASSED_ON = (b"host", b"authorization")


class Answer(NamedTuple):
    """What was answered. body: None if it is larger than `LARGEST`."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


async def ask(outer: Request, tool: Tool, arguments: Mapping[str, object]) -> Answer:
    """Ask the application what this call of a tool asks. outer: the request that it came with, which says who asks.

    Raises `Problem` for arguments that make no request.
    """
    scope, body = _scope(outer, tool, arguments)
    heard = _Heard()

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        await outer.app(scope, receive, heard.send)
    except Exception:
        if not heard.status:  # else it was answered and logged, and is raised for the server of the outer request
            raise
    return heard.answer()


class _Heard:
    """Collects an answer."""

    def __init__(self) -> None:
        self.status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._is_whole = True

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = {name.decode().lower(): value.decode("latin-1") for name, value in message["headers"]}
            return
        piece = message.get("body", b"")
        self._is_whole = self._is_whole and len(self._body) + len(piece) <= LARGEST
        if self._is_whole:
            self._body += piece

    def answer(self) -> Answer:
        return Answer(self.status, self._headers, bytes(self._body) if self._is_whole else None)


def _scope(outer: Request, tool: Tool, arguments: Mapping[str, object]) -> tuple[dict[str, Any], bytes]:
    given = _sorted(tool, arguments)
    # In one go: a value that looks like a placeholder is none.
    path = _PLACEHOLDER.sub(lambda found: str(given["path"][found[1]]), tool.path)
    body, media = _body(tool, given)
    headers = [each for each in outer.scope["headers"] if each[0] in _PASSED_ON]
    headers += [(name.lower().encode(), value.encode()) for name, value in given["header"].items()]
    headers += [(b"content-type", media), (b"content-length", b"%d" % len(body))] if media else []
    scope = {
        "type": "http",
        "asgi": outer.scope["asgi"],
        "http_version": "1.1",
        "method": tool.method,
        "scheme": outer.scope["scheme"],
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": urlencode(given["query"]).encode(),
        "root_path": "",
        "headers": headers,
        "client": outer.scope["client"],
        "server": outer.scope["server"],
    }
    return scope, body


def _sorted(tool: Tool, arguments: Mapping[str, object]) -> dict[Where, dict[str, Any]]:
    """The arguments by where they go. Raises `Problem`."""
    for name in tool.schema["required"]:
        if name not in arguments:
            raise Problem("invalid", f"{name}: it is missing")
    found: dict[Where, dict[str, Any]] = {"path": {}, "query": {}, "header": {}, "body": {}, "content": {}}
    for name, value in arguments.items():
        argument = tool.arguments.get(name)
        if argument is None:
            raise Problem("invalid", f"{tool.name} has no argument {name[:100]!r}")
        if value is None and argument.where in ("query", "header"):
            continue  # models write null for what they leave out
        found[argument.where][argument.name] = value if argument.where == "body" else _text(name, argument.where, value)
    return found


def _text(name: str, where: Where, value: object) -> str:
    """The value as it is written into a request. Raises `Problem` if it cannot be, or would change what is asked."""
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str | int) or not is_text(text := str(value)):
        raise Problem("invalid", f"{name}: it must be text or a number")
    if where == "header" and not (text.isascii() and text.isprintable()):
        raise Problem("invalid", f"{name}: it has characters that it may not have")
    if where == "path" and (not text or ("/" in text and name != SLASHED)):
        raise Problem("not-found", f"{name}: there is no such thing")
    return text


def _body(tool: Tool, given: Mapping[Where, Mapping[str, Any]]) -> tuple[bytes, bytes]:
    """The body and its media type; both empty without one."""
    if not tool.media:
        return b"", b""
    if tool.media == "application/json":
        return json.dumps(given["body"]).encode(), tool.media.encode()
    return given["content"][""].encode(), tool.media.encode()
