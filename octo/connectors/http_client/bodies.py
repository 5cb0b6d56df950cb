"""The body of a request: a text, bytes, raw content, JSON, a form or parts."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

from octo.connectors.http_client import codes
from octo.connectors.http_client.multipart import Multipart, Part
from octo.connectors.http_client.request import Data
from octo.connectors.http_client.rest import BodyType
from octo.connectors.http_client.settings import is_value
from octo.core import codec, content
from octo.core.charsets import NotText, encode
from octo.core.errors import Permanent
from octo.core.message import Message
from octo.core.spool import Content
from octo.expr import render


def written(body: object, message: Message, named: str | None, kind: BodyType = "auto") -> tuple[str, Data]:
    """Return the content type and the bytes to send for a body.

    named: the content type in the block's headers, if any. The one that is returned is for requests without it: "" for
        a text that `raw` sends as it is. Raises `Permanent`: the value is none of this kind, or has no form in its
        charset.
    """
    try:
        return _KINDS[kind](body, message, named)
    except NotText as error:
        raise Permanent(str(error), code=codes.NOT_IN_CHARSET) from None
    except UnicodeEncodeError:
        raise Permanent("a text in the body has half a character", code=codes.NOT_IN_CHARSET) from None


def _auto(body: object, message: Message, named: str | None) -> tuple[str, Data]:
    if message.raw and body is message.body:
        return _content(body, named)
    if isinstance(body, bytes):
        return content.BINARY, body
    # A text is often JSON that an expression has put together; servers read it only under this type.
    return "application/json", encode(body, named or "") if isinstance(body, str) else codec.write(body)


def _raw(body: object, _message: Message, named: str | None) -> tuple[str, Data]:
    if isinstance(body, dict) and "rawData" in dict.keys(body):
        return _content(body, named)
    if isinstance(body, Content | bytes):
        return content.BINARY, body
    if body is None or isinstance(body, list | dict):
        raise _unfit("`bodyType: raw` sends a text, bytes or raw content (`{contentType, rawData}`)", body)
    return "", encode(render(body), named or "")


def _content(body: object, named: str | None) -> tuple[str, Data]:
    return content.out(body if named is None else {"contentType": named, "rawData": content.data(body)})


# --- forms -------------------------------------------------------------------------------------------------------


def _form(body: object, _message: Message, _named: str | None) -> tuple[str, Data]:
    if not isinstance(body, dict):
        raise _unfit("`bodyType: form` sends a map", body)
    fields = [(name, render(each)) for name, value in body.items() for each in _listed(value) if each is not None]
    return "application/x-www-form-urlencoded", urlencode(fields).encode()


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


# --- parts -------------------------------------------------------------------------------------------------------


def _multipart(body: object, _message: Message, _named: str | None) -> tuple[str, Data]:
    whole = Multipart(_parts(body))
    return whole.kind, whole


def _parts(body: object) -> Iterator[Part]:
    if not isinstance(body, dict):
        raise _unfit("`bodyType: multipart` sends a map of parts", body)
    if {"contentType", "rawData"} <= dict.keys(body):
        raise _unfit('`bodyType: multipart` sends a map of parts; give raw content a name, e.g. `{"file": body}`', body)
    for name, value in dict.items(body):
        for each in _listed(value):
            if each is not None:
                yield _sound(_part(name, each))


def _part(name: str, value: object) -> Part:
    """Return the part for a value: a text or number is a field, a map with `data` or `rawData` a file, others JSON."""
    if isinstance(value, Content | bytes):
        return Part(name, value, content.BINARY)
    if isinstance(value, dict) and {"data", "rawData"} & dict.keys(value):
        return _file(name, value)
    if isinstance(value, dict | list):
        return Part(name, codec.write(value), "application/json")
    return Part(name, render(value).encode())


def _file(name: str, value: dict[str, object]) -> Part:
    kind, filename = _word(value, "contentType"), _word(value, "filename")
    data = dict.get(value, "data", content.data(value))
    if isinstance(data, dict) and "rawData" in dict.keys(data):
        inner, data = content.out(data)
        kind = kind or inner
    elif dict.get(value, "encoding") == "base64":
        data = _decoded(name, data)
    elif isinstance(data, str):
        kind = kind or "text/plain; charset=utf-8"
        data = encode(data, kind)
    elif not isinstance(data, bytes | Content):
        kind = kind or "application/json"
        data = codec.write(data)
    return Part(name, data, kind or content.BINARY, filename)


def _word(value: dict[str, object], key: str) -> str:
    found = dict.get(value, key)
    return found if isinstance(found, str) else ""


def _decoded(name: str, data: object) -> bytes:
    try:
        return b64decode(data if isinstance(data, str) else b"!", validate=True)
    except ValueError:
        raise Permanent(f"the part {name!r} says `encoding: base64`, but is not that", code=codes.BAD_BODY) from None


def _sound(part: Part) -> Part:
    if not is_value(part.kind):
        message = f"the content type of the part {part.name!r} has a line break or control character"
        raise Permanent(message, code=codes.BAD_HEADER)
    return part


def _unfit(wanted: str, body: object) -> Permanent:
    kinds = {dict: "a map", list: "a list", str: "a text", bool: "a bool", bytes: "bytes"}
    found = "null" if body is None else kinds.get(type(body), "a number")
    return Permanent(f"{wanted}; the body is {found}", code=codes.BAD_BODY)


_KINDS: dict[BodyType, Callable[[object, Message, str | None], tuple[str, Data]]] = {
    "auto": _auto,
    "raw": _raw,
    "form": _form,
    "multipart": _multipart,
}
