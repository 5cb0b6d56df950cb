"""Server-sent events as text: one event, and what a test reads of several (HTML standard, 9.2).

Invariant: what is written is one event. A line break in the data begins another `data:` line, and is refused elsewhere.
"""

from __future__ import annotations

import re

from octo.core import codec, content
from octo.core.message import Message

PING = b": ping\n\n"
"""A comment, which browsers pass over: it keeps the connection from looking idle."""
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_NO_FIELD = re.compile(r"[\r\n\0]")


class NoField(ValueError):
    """A text that no field of one line can hold."""


def frame(data: str, event: str = "", id: str | None = None, retry: int | None = None) -> bytes:  # noqa: A002  its name
    """Return an event. retry: milliseconds. Raises `NoField` if `event` or `id` is not one line."""
    lines = []
    if event:
        lines.append(f"event: {_field('event', event)}")
    if id is not None:
        lines.append(f"id: {_field('id', id)}")
    if retry is not None:
        lines.append(f"retry: {retry}")
    lines += [f"data: {line}" for line in _LINE_BREAK.split(data)]
    return "\n".join([*lines, "", ""]).encode(errors="replace")


def _field(name: str, text: str) -> str:
    if _NO_FIELD.search(text):
        raise NoField(f"`{name}` is one line of text, and has no line break")
    return text


def text_of(value: object) -> str:
    """Return the data that stands for the value of an expression: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else codec.write(value).decode()


def body_of(message: Message) -> str:
    """Return the data that stands for a body: JSON; of raw content its text."""
    if message.raw and message.body is not None:
        found = content.data(message.body)
        try:
            return found if isinstance(found, str) else bytes(found).decode()
        except UnicodeDecodeError:  # bytes that are no text: base64 in JSON
            pass
    return codec.write(message.body).decode()


def read(text: str) -> list[dict[str, object]]:
    """Return the events of a stream, as a browser reads them: `{event?, id?, retry?, data}`.

    Data is parsed if it is JSON. An event that has not ended is left out.
    """
    events = []
    for block in _LINE_BREAK.sub("\n", text).split("\n\n")[:-1]:
        pairs = [line.partition(":") for line in block.split("\n") if line and not line.startswith(":")]
        fields = [(name, value.removeprefix(" ")) for name, _, value in pairs]
        event: dict[str, object] = {name: value for name, value in fields if name in ("event", "id", "retry")}
        data = [value for name, value in fields if name == "data"]
        if data:
            events.append({**event, "data": _value("\n".join(data))})
    return events


def _value(data: str) -> object:
    try:
        return codec.read(data)
    except codec.NotJson:
        return data
