"""A stand-in of a provider's HTTP API: a real server on this machine that is as strict as the provider.

It checks every request against the API's schema and rules, and answers faults with the API's own 4xx. Requests that it
accepts get the next answer of its script, in the form of the API.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import AF_INET
from typing import Any, NamedTuple

import jsonschema


class Call(NamedTuple):
    """A call of a tool. arguments: JSON as the model wrote it. id: "" for what the API would give."""

    name: str
    arguments: str = "{}"
    id: str = ""


class Says(NamedTuple):
    """An answer. refusal: the text with which the model declines. stop: `end`, `max_tokens` or `content_filter`."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    thinking: str = ""
    refusal: str = ""
    stop: str = "end"
    input_tokens: int = 12
    output_tokens: int = 5
    cached_tokens: int = 0


class Fails(NamedTuple):
    """An error, in the form of the API."""

    status: int
    message: str = "it failed"
    headers: Mapping[str, str] = {}


class Cut(NamedTuple):
    """An answer whose connection is closed: a stream after some events, else in the middle."""

    says: Says
    events: int = 2


class Interrupted(NamedTuple):
    """A stream with an error event after some others."""

    says: Says
    status: int = 503
    events: int = 2


class Raw(NamedTuple):
    """Whatever it is."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


class Hangs(NamedTuple):
    """No answer."""


Answer = Says | Fails | Cut | Interrupted | Raw | Hangs


class Request(NamedTuple):
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any


class Refusal(Exception):
    """A request that the API does not accept."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class Standin:
    """Of one API.

    script: the answers that are left. requests: those that were accepted. refused: why others were not. connections:
        that were made so far. open: those that still are.
    """

    script: list[Answer] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    attempts: int = 0
    connections: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    url: str = ""
    key: str = "sk-test-0123456789"

    # --- what an API says ---

    base = ""
    """What its address ends with."""

    def check(self, request: Request) -> None:
        """Raise `Refusal` for a request that the API does not accept."""
        raise NotImplementedError

    def is_stream(self, request: Request) -> bool:
        return bool(request.body.get("stream"))

    def answer(self, request: Request, says: Says) -> object:
        raise NotImplementedError

    def events(self, request: Request, says: Says) -> list[str]:
        """A stream, event by event, as text."""
        raise NotImplementedError

    def error(self, status: int, message: str) -> object:
        raise NotImplementedError

    def error_event(self, status: int, message: str) -> str:
        return f"data: {json.dumps(self.error(status, message))}\n\n"

    # --- and the server ---

    @property
    def base_url(self) -> str:
        return f"{self.url}{self.base}"

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Standin]:
        server = await asyncio.start_server(self._connection, "localhost", 0, limit=2**22, family=AF_INET, ssl=tls)
        scheme, host = ("http", "127.0.0.1") if tls is None else ("https", "localhost")
        self.url = f"{scheme}://{host}:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for each in self.open:
                each.transport.abort()
            # The connections that were cut end by themselves.
            while self.open:
                await asyncio.sleep(0)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        self.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                if not await self._respond(request, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()
            self.open.discard(writer)

    async def _respond(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer, and return whether the connection may be used again."""
        self.attempts += 1
        try:
            self.check(request)
        except Refusal as refusal:
            self.refused.append(refusal.message)
            return await _send(writer, refusal.status, self.error(refusal.status, refusal.message))
        self.requests.append(request)
        return await self._say(request, self.script.pop(0) if self.script else Says("hello"), reader, writer)

    async def _say(  # noqa: PLR0911  one for each kind of answer
        self, request: Request, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        match answer:
            case Says():
                if self.is_stream(request):
                    return await _stream(writer, self.events(request, answer))
                return await _send(writer, 200, self.answer(request, answer))
            case Fails(status, message, headers):
                return await _send(writer, status, self.error(status, message), headers)
            case Cut(says, count):
                if self.is_stream(request):
                    return await _stream(writer, self.events(request, says)[:count], ends=False)
                return await _send(writer, 200, self.answer(request, says), cut=True)
            case Interrupted(says, status, count):
                sent = self.events(request, says)[:count]
                return await _stream(writer, [*sent, self.error_event(status, "overloaded, try later")])
            case Raw(body, status, content_type, headers):
                return await _bytes(writer, status, body, content_type, headers)
            case Hangs():
                await reader.read()  # until the client goes away
                return False


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    path, _, query = target.partition("?")
    data = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, query, headers, json.loads(data) if data else None)


async def _send(
    writer: asyncio.StreamWriter,
    status: int,
    value: object,
    headers: Mapping[str, str] | None = None,
    *,
    cut: bool = False,
) -> bool:
    data = json.dumps(value, ensure_ascii=False).encode()
    return await _bytes(writer, status, data, "application/json", headers or {}, cut=cut)


async def _bytes(
    writer: asyncio.StreamWriter,
    status: int,
    data: bytes,
    content_type: str,
    headers: Mapping[str, str],
    *,
    cut: bool = False,
) -> bool:
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {len(data)}\r\n{more}\r\n"
    writer.write(head.encode() + (data[: len(data) // 2] if cut else data))
    await writer.drain()
    if cut:
        writer.close()
    return not cut


async def _stream(writer: asyncio.StreamWriter, events: list[str], *, ends: bool = True) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    for event in events:
        data = event.encode()
        # In two parts: nothing says that an event comes at once, nor that a character does.
        for part in (data[: len(data) // 2], data[len(data) // 2 :]):
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
        await writer.drain()
        await asyncio.sleep(0)
    if ends:
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True
    writer.close()
    return False


# --- schemas -----------------------------------------------------------------------------------------------------


def record(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """The schema of an object with these fields and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def tagged(tag: str, *kinds: dict[str, Any]) -> dict[str, Any]:
    """The schema of one of several objects that a field tells apart; errors are those of the right one."""
    return {
        "type": "object",
        "required": [tag],
        "properties": {tag: {"enum": [kind["properties"][tag]["const"] for kind in kinds]}},
        "allOf": [{"if": {"properties": {tag: kind["properties"][tag]}}, "then": kind} for kind in kinds],
    }


class Misfit(NamedTuple):
    """path: of the value, `messages.0.content`. unknown: the field that is one too many, "" for another fault."""

    path: str
    message: str
    unknown: str = ""


def misfit(schema: dict[str, Any], value: object) -> Misfit | None:
    """The first thing about the value that the schema does not allow."""
    found = jsonschema.Draft202012Validator(schema).iter_errors(value)
    error = min(found, key=lambda each: (-len(each.absolute_path), str(each.message)), default=None)
    if error is None:
        return None
    path = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        extra = sorted(set(error.instance) - set(error.schema["properties"]))
        return Misfit(path, error.message, extra[0])
    return Misfit(path, error.message)


TEXT = {"type": "string"}
FILLED = {"type": "string", "minLength": 1}
WHOLE = {"type": "integer"}
POSITIVE = {"type": "integer", "minimum": 1}
YES = {"type": "boolean"}
OBJECT = {"type": "object"}
CHOICES = [{"required": [word]} for word in ("anyOf", "oneOf", "allOf", "enum", "not")]
NO_CHOICE = {**record({"type": {"const": "object"}}), "additionalProperties": True, "not": {"anyOf": CHOICES}}
"""A schema of a tool's arguments that has nothing to choose from at its top."""
PARAMETERS = {**NO_CHOICE, "required": ["type", "properties"]}
BASE64 = {"type": "string", "pattern": "^[A-Za-z0-9+/]+={0,2}$"}


def const(value: object) -> dict[str, Any]:
    return {"const": value}


def many(items: dict[str, Any], least: int = 1) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}
