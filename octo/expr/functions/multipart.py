"""Multipart bodies as maps of parts.

A part is `{name, filename, contentType, encoding, size, data, headers}`; under a name that occurs several times there
is a list of parts. With a filename the data is bytes, without one it is text if it is UTF-8; `encoding` says which:
`binary` or `text`. The encoded form is a raw body: `{contentType, rawData}`, with bytes.
"""

import re
from contextlib import suppress
from typing import Any

from octo.expr.cost import FREE, Cost
from octo.expr.errors import CONVERSION, INVALID_ARGUMENT, ExprError, quoted
from octo.expr.function import function
from octo.expr.functions.encoders import base64_decode, to_bytes
from octo.expr.limits import check_size
from octo.expr.settle import render
from octo.expr.values import a as article, kind_of

BOUNDARY = "octo-multipart"
_BOUNDARY = re.compile(r"[A-Za-z0-9'()+_,./:=?-]{1,70}")
_LINE = 16
"""The cost of a line, which may be a header."""
_UNSAFE = re.compile(r"[\r\n\0]")
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:\\"|[^"])*)"|([^\s;"]*))')
_LONGEST_HEADER = 8192
"""Characters of a header in which parameters are looked for."""


def _lines(raw: object, content_type: object = "") -> int:
    del content_type
    data = raw.get("rawData") if isinstance(raw, dict) else raw
    return _LINE * (data.count("\n") if isinstance(data, str) else data.count(b"\n") if isinstance(data, bytes) else 0)


@function("multipart() -> map", family="octo", examples=["multipart() == {}"], cost=FREE)
def multipart() -> dict[str, Any]:
    """An empty map of parts, to which addPart adds."""
    return {}


@function(
    "map.addPart(string, dyn) -> map",
    family="octo",
    examples=[
        'multipart().addPart("note", "hi").note.data == "hi"',
        'multipart().addPart("f", {"filename": "a.txt", "data": b"hi"}).f.data == b"hi"',
    ],
    cost=Cost(base=32),
)
def add_part(parts: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The parts and one more, given as text or as a map with data, filename, contentType and headers."""
    fields = value if isinstance(value, dict) else {"data": value}
    added = _part(name, fields)
    existing = parts.get(name)
    if existing is None:
        return {**parts, name: added}
    return {**parts, name: [*(existing if isinstance(existing, list) else [existing]), added]}


def _part(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    data = fields.get("data", "")
    filename = fields.get("filename", "") or ""
    if isinstance(data, bytes):
        content = data
    elif fields.get("encoding") == "base64":
        content = base64_decode(render(data))
    else:
        content = to_bytes(render(data))
    default = "application/octet-stream" if filename else "text/plain"
    return _described(name, filename, fields.get("contentType") or default, content, fields.get("headers") or {})


def _described(name: str, filename: str, content_type: str, content: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """Return the map that describes a part. Without a filename its data is text, unless it is not UTF-8."""
    data: str | bytes = content
    if not filename:
        with suppress(UnicodeDecodeError):
            data = content.decode()
    return {
        "name": name,
        "filename": filename,
        "contentType": content_type,
        "encoding": "text" if isinstance(data, str) else "binary",
        "size": len(content),
        "data": data,
        "headers": headers,
    }


@function(
    "toMultipart(map) -> map",
    "toMultipart(map, string) -> map",
    family="octo",
    examples=[
        'fromMultipart(toMultipart(multipart().addPart("a", "1"))).a.data == "1"',
        'toMultipart(multipart(), "x").contentType == "multipart/form-data; boundary=x"',
    ],
    cost=Cost(base=32, reads=8),
)
def to_multipart(parts: dict[str, Any], boundary: str = BOUNDARY) -> dict[str, Any]:
    """The parts as a raw body, sorted by name."""
    if not _BOUNDARY.fullmatch(boundary):
        raise ExprError(INVALID_ARGUMENT, f"{quoted(boundary)} cannot be a multipart boundary")
    pieces: list[bytes] = []
    for name, value in sorted(parts.items()):
        for part in value if isinstance(value, list) else [value]:
            if not isinstance(part, dict):
                raise ExprError(INVALID_ARGUMENT, f"the part {name!r} is {article(kind_of(part))}, not a map")
            pieces += [to_bytes(f"--{boundary}\r\n"), *_encoded(name, part), b"\r\n"]
    pieces.append(to_bytes(f"--{boundary}--\r\n"))
    check_size(sum(map(len, pieces)))
    data = b"".join(pieces)
    if data.count(to_bytes(f"--{boundary}")) != sum(len(v) if isinstance(v, list) else 1 for v in parts.values()) + 1:
        raise ExprError(INVALID_ARGUMENT, f"a part contains the boundary {boundary!r}", hint="Choose another boundary")
    return {"contentType": f"multipart/form-data; boundary={boundary}", "rawData": data}


def _encoded(name: str, part: dict[str, Any]) -> list[bytes]:
    """Return the head and the content of a part."""
    part = _part(name, part)
    disposition = f'form-data; name="{_escaped(name)}"'
    if part["filename"]:
        disposition += f'; filename="{_escaped(part["filename"])}"'
    headers = {"Content-Disposition": disposition, "Content-Type": render(part["contentType"])}
    for header, value in part["headers"].items():
        if header.lower() not in {"content-disposition", "content-type", "content-transfer-encoding"}:
            headers[str(header)] = render(value)
    for header, value in headers.items():
        if _UNSAFE.search(header) or _UNSAFE.search(value):
            raise ExprError(INVALID_ARGUMENT, f"the header {quoted(header)} of a part has a line break")
    head = "".join(f"{header}: {value}\r\n" for header, value in headers.items())
    return [to_bytes(f"{head}\r\n"), to_bytes(part["data"])]


def _escaped(text: str) -> str:
    return render(text).replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


@function(
    "fromMultipart(map) -> map",
    "fromMultipart(string, string) -> map",
    "fromMultipart(bytes, string) -> map",
    family="octo",
    examples=[
        r'''fromMultipart("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhi\r\n--x--\r\n",
            "multipart/form-data; boundary=x").a.data == "hi"'''
    ],
    cost=Cost(base=64, makes=2, more=_lines),
)
def from_multipart(raw: Any, content_type: str = "") -> dict[str, Any]:
    """The parts of a raw body, or of text or bytes and their content type, by name."""
    if isinstance(raw, dict):
        raw, content_type = raw.get("rawData"), render(raw.get("contentType", ""))
    if not isinstance(raw, (str, bytes)):
        raise ExprError(INVALID_ARGUMENT, "a raw body has contentType and rawData")
    boundary = _parameters(content_type).get("boundary")
    if not boundary:
        raise ExprError(CONVERSION, f"the content type {quoted(content_type)} names no boundary")
    sections = (b"\r\n" + to_bytes(raw)).split(to_bytes(f"\r\n--{boundary}"))
    if len(sections) < 2 or not sections[-1].startswith(b"--"):
        raise ExprError(CONVERSION, f"not a multipart body: no end of boundary {quoted(boundary)}")
    parts: dict[str, list[Any]] = {}
    for section in sections[1:-1]:
        part = _decoded(section)
        parts.setdefault(part["name"], []).append(part)
    return {name: found[0] if len(found) == 1 else found for name, found in parts.items()}


def _decoded(section: bytes) -> dict[str, Any]:
    head, _, content = section.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = {}
    for line in head.decode(errors="replace").split("\r\n"):
        header, _, value = line.partition(":")
        headers[header.strip()] = value.strip()
    lower = {header.lower(): value for header, value in headers.items()}
    said = _parameters(lower.get("content-disposition", ""))
    if "name" not in said:
        raise ExprError(CONVERSION, "not a multipart body: a part has no name")
    filename = said.get("filename") or _extended(said.get("filename*", ""))
    if lower.get("content-transfer-encoding", "").lower() == "base64":
        content = base64_decode(content.decode(errors="replace"))
    return _described(said["name"], filename, lower.get("content-type", "text/plain"), content, headers)


def _parameters(header: str) -> dict[str, str]:
    """The parameters of a header, as browsers (%22) and curl (a backslash) escape them, or without quotes."""
    found: dict[str, str] = {}
    for name, text, token in _PARAMETER.findall(header[:_LONGEST_HEADER]):
        found.setdefault(name.lower(), _unescaped(text) or token)
    return found


def _unescaped(text: str) -> str:
    """What `_escaped` gave. Other backslashes stay: some send a whole path of Windows."""
    return text.replace('\\"', '"').replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _extended(text: str) -> str:
    """A value with its charset, e.g. UTF-8''%C3%BC (RFC 5987): old clients send names of files so."""
    from urllib.parse import unquote

    charset, _, rest = text.partition("'")
    try:
        return unquote(rest.partition("'")[2], charset, "replace")
    except (LookupError, ValueError):
        return ""
