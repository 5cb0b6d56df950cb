"""What brokers carry: bytes, a content type and headers. A message from it, and back, alike for every broker.

In: `taken` makes the message of a source, whose settings are a `Taking`. Out: `given` makes what a block sends, whose
settings are a `Giving`. Correlation id and trace context travel as headers, as they do over HTTP. A connector whose
protocol has a place of its own for the content type or the correlation id passes it.

What does not fit, be it garbage or too large, never reaches a flow: `taken` says what is wrong with it, the delivery
has that as its `unfit`, and the engine rejects it. So one message of a foreign producer cannot be tried for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from octo.core import codec, content
from octo.core.charsets import NotText, decode, is_text
from octo.core.errors import Permanent
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.settings import Advanced, Settings
from octo.core.state import State
from octo.core.trace import HEADER, STATE, span_headers, with_tracestate
from octo.expr import render

BodyType = Literal["auto", "json", "text", "bytes", "raw"]

CORRELATION = "X-Correlation-Id"
"""The header that carries the correlation id, as over HTTP."""
MOST_CORRELATION = 128
"""Characters of a correlation id, at most; a longer one is none."""
KEPT = 64 * 1024
"""Bytes that are kept of a body that is too large."""

_JSON, _TEXT = "application/json", "text/plain; charset=utf-8"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Taking(Settings):
    """What the sources of brokers have in common."""

    body_type: BodyType = "auto"
    """What the body is: JSON, a text, bytes, or `raw` content with its type (`{contentType, rawData}`). `auto` goes by
    the content type of the message; without one the body is JSON if it can be read as that, else a text, else bytes.
    A body that is not what it should be is refused."""
    max_body_bytes: Annotated[int, Advanced] = Field(default=1_048_576, ge=1)
    """A message with a larger body is refused."""


class Giving(Settings):
    """What the blocks of brokers that send have in common."""

    body: Expr[object] | None = None
    """What is sent: bytes and texts as they are, raw content (`{contentType, rawData}`) with its type, anything else
    as JSON. Default: the body."""
    content_type: str = ""
    """The content type that is told. It does not change how the body is written. Default: that of raw content,
    `text/plain` for a text, `application/octet-stream` for bytes, else `application/json`."""
    headers: dict[str, Expr[object]] = Field(default_factory=dict)
    """Headers, by name. Each value is one line of text, a number or a bool; null leaves its header out."""

    def shape_after(self, before: State) -> State:
        for each in (self.body, *self.headers.values()):
            before.of(each)
        return before


# --- in ----------------------------------------------------------------------------------------------------------


class Taken(NamedTuple):
    """A message, and what is wrong with it; None if it is what the settings ask for."""

    message: Message
    unfit: Permanent | None


def taken(
    data: bytes,
    headers: Iterable[tuple[str, object]],
    settings: Taking,
    vars: Mapping[str, object],  # noqa: A002  the language's own word
    *,
    content_type: str = "",
    correlation_id: str = "",
    event_id: str = "",
) -> Taken:
    """Make a message of what a broker has delivered.

    The variables are `vars`, and `headers` with all headers by name. A name that comes several times has a list.

    content_type, correlation_id: those that the protocol has a place for, "" for those among the headers.
    event_id: one that is the same each time this message is delivered (`identity`); "" for a new one.
    """
    found = _named(headers)
    by_name = {name.lower(): value for name, value in found.items()}
    kind = content_type or _line(by_name.get("content-type"))
    correlation = correlation_id or _line(by_name.get(CORRELATION.lower()))
    parent = with_tracestate(_line(by_name.get(HEADER)), _line(by_name.get(STATE)))
    unfit = None
    try:
        body = _body(data, kind, settings)
    except Permanent as error:
        kept = data[:KEPT] if len(data) > settings.max_body_bytes else data
        body, unfit = content.raw(kept, kind or content.BINARY), error
    is_raw = unfit is not None or settings.body_type == "raw"
    variables = {**vars, "headers": found}
    return Taken(Message(body, variables, event_id, _sound(correlation), is_raw, parent), unfit)


def identity(*parts: object) -> str:
    """An event id for a message that its broker names: the same parts give the same id."""
    return blake2b("\0".join(map(str, parts)).encode(errors="replace"), digest_size=16).hexdigest()


def _body(data: bytes, kind: str, settings: Taking) -> object:
    if len(data) > settings.max_body_bytes:
        raise Permanent(f"the body has {len(data):,} bytes, at most {settings.max_body_bytes:,} (`maxBodyBytes`)")
    try:
        match settings.body_type:
            case "raw":
                return content.raw(data, kind or content.BINARY)
            case "json":
                return codec.body(data, kind)
            case "text":
                return decode(data, kind)
            case "bytes":
                return data
        return _by_kind(data, kind)
    except (codec.NotJson, NotText) as error:
        said = f", which its content type {kind[:80]!r} says" if settings.body_type == "auto" else ""
        raise Permanent(f"the body cannot be read{said}: {error}") from None


def _by_kind(data: bytes, kind: str) -> object:
    if not kind:
        return _guessed(data)
    if "json" in kind.partition(";")[0].lower():
        return codec.body(data, kind)
    return decode(data, kind) if is_text(kind) else data


def _guessed(data: bytes) -> object:
    try:
        return codec.body(data)
    except codec.NotJson:
        pass
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _named(headers: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, list[object]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(_plain(value))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _plain(value: object) -> object:
    """The value of a header as one of expressions."""
    if isinstance(value, bytes | bytearray):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return bytes(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def _line(value: object) -> str:
    return value if isinstance(value, str) else ""


def _sound(correlation: str) -> str:
    is_sound = len(correlation) <= MOST_CORRELATION and correlation.isascii() and correlation.isprintable()
    return correlation if is_sound else ""


# --- out ---------------------------------------------------------------------------------------------------------


class Given(NamedTuple):
    """What is sent. headers: with correlation id and trace context, without the content type."""

    data: bytes
    content_type: str
    headers: dict[str, str]


def given(settings: Giving, message: Message) -> Given:
    """Write what a block sends for a message. Raises `Permanent` if it has no form on the wire."""
    body = message.body if settings.body is None else settings.body(message)
    is_raw = message.raw and body is message.body
    kind, data = written(body, raw=is_raw)
    headers = span_headers(message)
    if message.correlation_id:
        headers[CORRELATION] = message.correlation_id
    for name, each in settings.headers.items():
        if (value := each(message)) is not None:
            headers[name] = line(name, value)
    return Given(data, settings.content_type or kind, headers)


def written(body: object, *, raw: bool = False) -> tuple[str, bytes]:
    """The content type of a body, and its bytes. Raises `Permanent` if a text has no bytes in its charset."""
    try:
        if raw or (isinstance(body, dict) and dict.keys(body) == {"contentType", "rawData"}):
            kind, data = content.out(body)
            return kind, bytes(data)
        if isinstance(body, bytes):
            return content.BINARY, body
        return (_TEXT, body.encode()) if isinstance(body, str) else (_JSON, codec.write(body))
    except NotText as error:
        raise Permanent(str(error)) from None
    except UnicodeEncodeError:
        raise Permanent("a text in the body has half a character") from None


def line(name: str, value: object) -> str:
    """The value of a header as a line of text. Raises `Permanent` if it is none: it could add headers."""
    if isinstance(value, list | dict | bytes):
        raise Permanent(f"the header {name!r} is no line of text, but a {'list' if isinstance(value, list) else 'map'}")
    text = render(value)
    if _CONTROL.search(text):
        raise Permanent(f"the header {name!r} has a line break or control character")
    return text
