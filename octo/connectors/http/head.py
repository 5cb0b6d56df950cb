"""The head of a request: what its bytes mean, and which heads are refused because peers could read them differently.

The parser (llhttp, strict) already refuses whatever could make two servers disagree about where a request ends: a
bare LF, two lengths, a length beside chunks, folded lines, spaces around names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from octo.connectors.http.request import Rejected

MOST_HEADERS = 100
"""A request may have at most this many headers."""

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]*)(:[0-9]*)?")
_AUTHORITY = re.compile(r"https?://([^/?#@]+)", re.IGNORECASE)


class Headers(dict[str, str]):
    """The first value of every header, by lower-case name. `fields` has all of them, in their order."""

    __slots__ = ("fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.fields = list(fields)
        super().__init__(reversed(self.fields))

    def all(self, name: str) -> Sequence[str]:
        """Return every value of the header with this lower-case name."""
        return [value for each, value in self.fields if each == name]


class Head:
    """Method, path, query and headers. `path` is as it was sent, without its escapes decoded.

    is_persistent: whether the client may send another request afterwards. is_old: whether it speaks HTTP/1.0.
    """

    __slots__ = ("headers", "is_old", "is_persistent", "method", "path", "query_string")

    def __init__(
        self, method: str, target: str, headers: Headers, *, is_persistent: bool = True, is_old: bool = False
    ) -> None:
        self.method = method
        self.path, _, self.query_string = target.partition("?")
        self.headers = headers
        self.is_persistent = is_persistent
        self.is_old = is_old


def _read(fields: list[tuple[bytes, bytes]]) -> Headers:
    """Return headers as text: UTF-8, which most clients send today, else Latin-1, which always fits."""
    names = _names
    try:
        return Headers([(names.get(name) or _name(name), value.rstrip().decode()) for name, value in fields])
    except UnicodeDecodeError:
        return Headers([(_name(name), _text(value.rstrip())) for name, value in fields])


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _name(name: bytes) -> str:
    lower = name.lower().decode("ascii")
    if len(_names) < _MOST_NAMES and len(name) < _LONGEST_NAME:
        _names[name] = lower
    return lower


_names: dict[bytes, str] = {}
"""Names of headers in lower case, as far as they have been seen: most requests have the same few."""
_MOST_NAMES, _LONGEST_NAME = 500, 50


def head(method: str, target: bytes, version: str, fields: list[tuple[bytes, bytes]], *, is_persistent: bool) -> Head:
    """Return the head with these parts. Raises `Rejected` if no server should serve it."""
    if version not in ("1.1", "1.0"):
        raise malformed("this server speaks HTTP 1.1 and 1.0")
    headers = _read(fields)
    if "transfer-encoding" in headers:
        _check_chunked(headers, version)
    if headers.get("expect", "100-continue").lower() != "100-continue":
        raise Rejected(417, "expectation failed", "of all expectations only `100-continue` is met")
    path = target.decode("ascii")
    if path[0] != "/" or method == "CONNECT":
        path = _path(method, path, headers)
    elif version == "1.1" or "host" in headers:
        _check_host(headers)
    if "#" in path:
        raise malformed("a request target has no fragment")
    return Head(method, path, headers, is_persistent=is_persistent, is_old=version == "1.0")


def framing(headers: Headers) -> bytes:
    """Return the header that says where the body ends; empty if there is no body."""
    if "transfer-encoding" in headers:
        return b"Transfer-Encoding: chunked"
    size = int(headers.get("content-length", "0"))
    return b"Content-Length: %d" % size if size else b""


def malformed(detail: str) -> Rejected:
    return Rejected(400, "malformed request", detail)


def _check_chunked(headers: Headers, version: str) -> None:
    if version == "1.0":
        raise malformed("HTTP/1.0 has no Transfer-Encoding")
    if [each.lower() for each in headers.all("transfer-encoding")] != ["chunked"]:
        raise malformed("of all transfer codings only `chunked` is known")


def _check_host(headers: Headers) -> None:
    hosts = headers.all("host")
    if len(hosts) != 1:
        raise malformed("a request has exactly one Host header")
    if not _HOST.fullmatch(hosts[0]):
        raise malformed("the Host header is not a host and a port")


def _path(method: str, target: str, headers: Headers) -> str:
    """Return the path and query of a target that is no path, or of a method that takes none."""
    if method == "CONNECT":
        raise Rejected(501, "method not supported", "this server is no proxy")
    if target == "*":
        if method != "OPTIONS":
            raise malformed("the target `*` is for OPTIONS only")
        _check_host(headers)
        return target
    authority = _AUTHORITY.match(target)
    if authority is None or not _HOST.fullmatch(authority[1]):
        raise malformed("the target is neither a path nor an http address")
    if len(headers.all("host")) > 1:
        raise malformed("a request has exactly one Host header")
    # The address says which host is meant, whatever the header says (RFC 9112, 3.2.2).
    headers["host"] = authority[1]
    headers.fields = [(name, authority[1] if name == "host" else value) for name, value in headers.fields]
    rest = target[authority.end() :]
    return rest if rest.startswith("/") else "/" + rest


NO_HEAD = Head("", "", Headers(), is_persistent=False)
"""The head of a request that could not be parsed."""
