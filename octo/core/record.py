"""A message as a JSON value, and back. Queues, journals, dead letters and traces store this value.

Version 1 is a map: `v`, `id`, and where they are not empty `correlation`, `traceparent`, `raw`, `vars` and `body`.
Values are JSON. For what JSON lacks there is a map of one key that begins with `$`:

    {"$bytes": BASE64}                  {"$timestamp": NANOSECONDS}    {"$duration": NANOSECONDS}
    {"$timestamp": [NANOSECONDS, OFFSET]}   a timestamp that is written with an offset from UTC, in seconds
    {"$decimal": DIGITS}                a decimal of a database
    {"$double": "NaN" | "inf" | "-inf"} {"$text": [TEXT, BASE64, CHARSET]}   a text and the bytes that it came from
    {"$content": BASE64}                {"$half": BASE64}              a text with half characters, in UTF-8
    {"$map": [[KEY, VALUE], ...]}       a map whose keys are not all texts, or that looks like one of these

Numbers are written digit for digit. `octo.core.codec` writes the text of a record with `write_kinds`, which keeps whole
doubles apart from integers, and reads it with `read`. The meaning of a version never changes: all later versions of
Octo read the records that this one writes.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from octo.core.charsets import Text
from octo.core.content import Held
from octo.core.errors import Permanent
from octo.core.spool import Content, Spool
from octo.expr.values import Duration, Exact, Timestamp

VERSION = 1
UNREADABLE = "OCTO-R140"
_PLAIN = frozenset((int, bool, type(None), Exact))


def write(
    event_id: str, correlation_id: str, traceparent: str, raw: bool, variables: Mapping[str, object], body: object
) -> dict[str, Any]:
    """The record of a message with these parts."""
    record: dict[str, Any] = {"v": VERSION, "id": event_id}
    if correlation_id:
        record["correlation"] = correlation_id
    if traceparent:
        record["traceparent"] = traceparent
    if raw:
        record["raw"] = True
    if variables:
        record["vars"] = pack(dict(variables))
    if body is not None:
        record["body"] = pack(body)
    return record


def read(record: object) -> dict[str, Any]:
    """What `Message` is made of, by the names of its parameters. Raises `Permanent` if it is no record."""
    if not isinstance(record, Mapping) or "v" not in record:
        raise _unreadable("it is no record of a message")
    if record["v"] != VERSION:
        raise _unreadable(f"it has version {record['v']!r}, and this Octo reads version {VERSION}")
    try:
        return {
            "body": unpack(record.get("body")),
            "vars": unpack(record.get("vars", {})),
            "event_id": record["id"],
            "correlation_id": record.get("correlation", ""),
            "raw": bool(record.get("raw")),
            "traceparent": record.get("traceparent", ""),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(f"it is damaged ({type(error).__name__})") from error


def _unreadable(reason: str) -> Permanent:
    return Permanent(f"cannot read the stored message: {reason}", code=UNREADABLE)


# --- values out ----------------------------------------------------------------------------------------------------


def pack(value: object) -> Any:
    """The value as JSON kinds. Works without recursion: a body may nest deeper than Python can call."""
    made: list[Any] = [None]
    left: list[tuple[Any, Any, Any]] = [(value, made, 0)]
    while left:
        value, target, at = left.pop()
        if value.__class__ in _PLAIN:
            target[at] = value
        elif isinstance(value, dict):
            target[at] = _packed_map(value, left)
        elif isinstance(value, list | tuple):
            target[at] = [None] * len(value)
            left += ((each, target[at], index) for index, each in enumerate(value))
        else:
            target[at] = _packed(value)
    return made[0]


def _packed_map(value: dict[Any, Any], left: list[tuple[Any, Any, Any]]) -> Any:
    entries = list(dict.items(value))
    if all(key.__class__ is str and _is_whole(key) for key in value) and not _is_tag(value):
        made: dict[str, Any] = dict.fromkeys(value)
        left += ((each, made, key) for key, each in entries)
        return made
    pairs: list[list[Any]] = [[None, None] for _ in entries]
    for pair, (key, each) in zip(pairs, entries, strict=True):
        left += (key, pair, 0), (each, pair, 1)
    return {"$map": pairs}


def _is_tag(value: dict[Any, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith("$")


def _is_whole(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _packed(value: object) -> Any:
    """A value that is no map and no list."""
    for kind, tagged in _TAGGED.items():
        if isinstance(value, kind):
            return tagged(value)
    raise TypeError(f"{type(value).__name__} is no value that a message holds")


def _text(text: str) -> Any:
    return str(text) if _is_whole(text) else {"$half": _base64(text.encode(errors="surrogatepass"))}


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


_TAGGED: dict[type, Callable[[Any], Any]] = {
    Text: lambda text: {"$text": [str(text), _base64(text.sent), text.charset]},
    str: _text,
    float: lambda number: number if number - number == 0.0 else {"$double": repr(number)},
    bytes: lambda data: {"$bytes": _base64(data)},
    Timestamp: lambda time: {"$timestamp": [time.nanos, time.offset] if time.offset else time.nanos},
    Duration: lambda time: {"$duration": time.nanos},
    Content: lambda content: {"$content": _base64(content.read())},
    Decimal: lambda number: {"$decimal": str(number)},
    int: int,
}
"""How each kind of value is packed, a subclass before its base."""


# --- values in -----------------------------------------------------------------------------------------------------


def unpack(value: Any) -> Any:
    """What was packed."""
    made: list[Any] = [None]
    # A map is finished only once everything in it is. Inner maps were found later, so the last found is finished first.
    open_maps: list[tuple[list[list[Any]], Any, Any]] = []
    left: list[tuple[Any, Any, Any]] = [(value, made, 0)]
    while left:
        value, target, at = left.pop()
        if isinstance(value, list):
            target[at] = [None] * len(value)
            left += ((each, target[at], index) for index, each in enumerate(value))
        elif isinstance(value, dict) and not (len(value) == 1 and next(iter(value)).startswith("$")):
            target[at] = _held(value) if value.keys() == {"contentType", "rawData"} else dict.fromkeys(value)
            left += ((each, target[at], key) for key, each in value.items())
        elif isinstance(value, dict) and "$map" in value:
            pairs: list[list[Any]] = [[None, None] for _ in value["$map"]]
            open_maps.append((pairs, target, at))
            for pair, (key, each) in zip(pairs, value["$map"], strict=True):
                left += (key, pair, 0), (each, pair, 1)
        else:
            target[at] = _unpacked(value) if isinstance(value, dict) else value
    for pairs, target, at in reversed(open_maps):
        target[at] = dict(pairs)
    return made[0]


def _held(value: dict[str, Any]) -> dict[str, Any]:
    data = value["rawData"]
    return (Held if isinstance(data, dict) and "$content" in data else dict)(dict.fromkeys(value))


_TAGS: dict[str, Callable[[Any], object]] = {
    "$bytes": b64decode,
    "$timestamp": lambda parts: Timestamp(*parts) if isinstance(parts, list) else Timestamp(parts),
    "$duration": Duration,
    "$decimal": Decimal,
    "$double": float,
    "$half": lambda text: b64decode(text).decode(errors="surrogatepass"),
    "$text": lambda parts: Text.of(parts[0], b64decode(parts[1]), parts[2]),
    "$content": lambda text: _spooled(b64decode(text)),
}


def _unpacked(tagged: dict[str, Any]) -> object:
    ((tag, value),) = tagged.items()
    return _TAGS[tag](value)


def _spooled(data: bytes) -> bytes | Content:
    spool = Spool()
    spool.write(data)
    return spool.finish()
