"""URLs as maps of their parts, and the escaping of one part.

The parts are `{scheme, username, password, host, port, path, query, fragment}`. The path stays as it is written; all
others are decoded, and the query is a map in which a repeated name has a list. `isURL` and the `get...` methods are
those of Kubernetes, on such a map.
"""

import re
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlencode, urlsplit

from octo.expr.addresses import parse_ip
from octo.expr.cost import Cost
from octo.expr.errors import CONVERSION, INVALID_ARGUMENT, ExprError, quoted
from octo.expr.function import function
from octo.expr.functions.encoders import to_bytes
from octo.expr.limits import check_size
from octo.expr.options import Option, options
from octo.expr.settle import render, settle
from octo.expr.values import a as article, kind_of

_MOST_FIELDS: Final = 100_000
_ESCAPE = Cost(base=16, reads=24)
_PARSE = Cost(base=128, reads=128)
_GET = Cost(base=32)
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\\s]")
_STRAY = re.compile("%(?![0-9A-Fa-f]{2})")
_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*")
_HOST = re.compile(r"[^\x00-\x20\x7f\s/?#@\\:\[\]%<>^|\"`{}]*")
_PATH = "/:@!$&'()*+,;=~%"
_PARTS = {
    "scheme": Option(("string",), ""),
    "username": Option(("string",), ""),
    "password": Option(("string",), ""),
    "host": Option(("string",), ""),
    "port": Option(("int", "null"), None),
    "path": Option(("string", "list"), ""),
    "query": Option(("map",), {}),
    "fragment": Option(("string",), ""),
}


# -- one part


@function(
    "urlEncode(string) -> string",
    family="octo",
    examples=['urlEncode("a b/c?ü") == "a%20b%2Fc%3F%C3%BC"'],
    cost=_ESCAPE,
)
def url_encode(text: str) -> str:
    """The text as one part of a URL, such as a segment of a path or a value of a query: all but A-Z a-z 0-9 -._~."""
    return _escaped(text)


@function(
    "urlDecode(string) -> string",
    family="octo",
    examples=['urlDecode("a%20b%2Fc%3F%C3%BC") == "a b/c?ü"', 'urlDecode("a+b") == "a+b"'],
    cost=_ESCAPE,
)
def url_decode(text: str) -> str:
    """The text with its %XX replaced. A plus stays a plus: only forms write a blank so, see fromFormData."""
    return _unescaped(text)


def _escaped(text: str, safe: str = "") -> str:
    escaped = quote(to_bytes(text), safe)
    check_size(len(escaped))
    return escaped


def _unescaped(text: str) -> str:
    if _STRAY.search(text):
        raise ExprError(CONVERSION, f"not URL-encoded: {quoted(text)} has a % that no two hexadecimal digits follow")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ExprError(CONVERSION, f"not URL-encoded: {quoted(text)} is not UTF-8 when decoded") from None


# -- in


@function(
    "url(string) -> map(string, json)",
    family="octo",
    examples=[
        'url("https://api.example.com:8443/v1/a%20b?q=x+y&id=1&id=2#top").host == "api.example.com"',
        'url("https://example.com/v1?q=x+y&id=1&id=2").query == {"q": "x y", "id": ["1", "2"]}',
        'url("/users/7?full=1").path == "/users/7"',
    ],
    cost=_PARSE,
)
def url(text: str) -> dict[str, Any]:
    """The parts of a URL that has a scheme and a host, or of an absolute path. A port that is not written is null."""
    parts, port = _split(text)
    return {
        "scheme": parts.scheme,
        "username": _unescaped(parts.username or ""),
        "password": _unescaped(parts.password or ""),
        "host": parts.hostname or "",
        "port": port,
        "path": parts.path,
        "query": _query(parts.query),
        "fragment": _unescaped(parts.fragment),
    }


def _split(text: str) -> tuple[SplitResult, int | None]:
    if _UNSAFE.search(text):
        raise _no_url(text, "it has a blank, a control character or a backslash", "Escape with urlEncode(...)")
    if _STRAY.search(text):
        raise _no_url(text, "it has a % that no two hexadecimal digits follow")
    try:
        parts = urlsplit(text)
        port = parts.port
        has_address = "[" in parts.netloc and parse_ip(parts.hostname or "")
    except (ValueError, ExprError):
        raise _no_url(text, "its host or port cannot be") from None
    if has_address and parts.netloc.rpartition("]")[2][:1] not in {"", ":"}:
        raise _no_url(text, "behind the ] of its address is no port")
    is_path = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    if not is_path and not (parts.scheme and parts.hostname) and not text.lower().startswith("file:///"):
        raise _no_url(text, "it has no scheme and host", "Write e.g. https://example.com/path, or /path")
    if not has_address and not _HOST.fullmatch(parts.hostname or ""):
        raise _no_url(text, "its host or port cannot be")
    return parts, port


def _no_url(text: str, why: str, hint: str = "") -> ExprError:
    return ExprError(CONVERSION, f"not a URL: {quoted(text)}: {why}", hint=hint)


def _query(text: str) -> dict[str, Any]:
    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise ExprError(CONVERSION, "not a URL: its query is not UTF-8 or has too many fields") from None
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


@function("isURL(string) -> bool", family="octo", examples=['isURL("https://a.b/c")', '!isURL("a.b")'], cost=_PARSE)
def is_url(text: str) -> bool:
    """Whether url(...) takes the text."""
    try:
        url(text)
    except ExprError:
        return False
    return True


# -- out


@function(
    "toUrl(map) -> string",
    family="octo",
    examples=[
        'toUrl({"scheme": "https", "host": "a.b", "path": ["users", "a/b"]}) == "https://a.b/users/a%2Fb"',
        'toUrl({"path": "/search", "query": {"q": "x y", "id": [1, 2]}}) == "/search?q=x%20y&id=1&id=2"',
        'toUrl(url("https://a.b/c?d=1").merge({"port": 8080})) == "https://a.b:8080/c?d=1"',
        'toUrl({"path": "/c", "query": {"d": null}}) == "/c"',
    ],
    cost=Cost(base=128, reads=24),
)
def to_url(given: dict[Any, Any]) -> str:
    """The URL of these parts, with everything escaped; a path may be a list of its segments.

    In the query a list repeats its name, a null is left out, and what is no text is written as JSON.
    """
    parts = options("toUrl", settle(given), _PARTS)
    host = _authority(parts)
    if bool(parts["scheme"]) != bool(host) and parts["scheme"] != "file":
        raise ExprError(INVALID_ARGUMENT, "a URL has both a scheme and a host, or is a path alone")
    if parts["scheme"] and not _SCHEME.fullmatch(parts["scheme"]):
        raise ExprError(INVALID_ARGUMENT, f"{quoted(parts['scheme'])} is no scheme of a URL")
    start = f"{parts['scheme']}://{host}" if parts["scheme"] else ""
    path = _path(parts["path"])
    if not start and (not path or path.startswith("//")):
        raise ExprError(INVALID_ARGUMENT, "a URL without a host has a path that begins with one /")
    pairs = [
        (name, render(each))
        for name, value in parts["query"].items()
        for each in (value if isinstance(value, list) else [value])
        if each is not None
    ]
    try:
        query = urlencode(pairs, quote_via=quote)
    except UnicodeEncodeError:
        raise ExprError(CONVERSION, "the query holds half a character and cannot be encoded") from None
    fragment = _escaped(parts["fragment"], "/?:@!$&'()*+,;=")
    written = start + path + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")
    check_size(len(written))
    return written


def _authority(parts: dict[str, Any]) -> str:
    host, port = parts["host"], parts["port"]
    try:
        host = f"[{parse_ip(host)}]" if ":" in host else host
    except ExprError:
        raise ExprError(INVALID_ARGUMENT, f"{quoted(host)} is no host", hint="Give the port as port") from None
    if not host.startswith("[") and not _HOST.fullmatch(host):
        raise ExprError(INVALID_ARGUMENT, f"{quoted(host)} is no host")
    if port is not None and not 0 <= port <= 65535:
        raise ExprError(INVALID_ARGUMENT, "a port is a number from 0 to 65535")
    if not host and (port is not None or parts["username"] or parts["password"]):
        raise ExprError(INVALID_ARGUMENT, "a URL with a port or a user has a host")
    user = _escaped(parts["username"]) + (f":{_escaped(parts['password'])}" if parts["password"] else "")
    return (f"{user}@" if user else "") + host + (f":{port}" if port is not None else "")


def _path(path: str | list[Any]) -> str:
    if isinstance(path, list):
        return "".join(f"/{_escaped(_segment(each))}" for each in path)
    if path and not path.startswith("/"):
        raise ExprError(INVALID_ARGUMENT, f"the path {quoted(path)} does not begin with /")
    # What is escaped already stays: url(...) gives the path as it is written.
    return _escaped(_STRAY.sub("%25", path), _PATH)


def _segment(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        raise ExprError(INVALID_ARGUMENT, f"a segment of a path is {article(kind_of(value))}")
    text = render(value)
    # An empty one or a dot would name another resource than the one that is meant.
    if text in {"", ".", ".."}:
        raise ExprError(INVALID_ARGUMENT, f"a segment of a path cannot be {text!r}", hint="Write the path as a text")
    return text


# -- the methods of Kubernetes


@function(
    "map.getScheme() -> string", family="octo", examples=['url("https://a.b/c").getScheme() == "https"'], cost=_GET
)
def get_scheme(parts: dict[str, Any]) -> str:
    """The scheme of a URL, `""` for a path alone."""
    return _part(parts, "scheme")


@function(
    "map.getHost() -> string",
    family="octo",
    examples=['url("https://a.b:80/c").getHost() == "a.b:80"', 'url("https://[::1]/c").getHost() == "[::1]"'],
    cost=_GET,
)
def get_host(parts: dict[str, Any]) -> str:
    """The host of a URL with its port, if it is written."""
    port = get_port(parts)
    host = get_hostname(parts)
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else host


@function(
    "map.getHostname() -> string", family="octo", examples=['url("https://a.b:80/c").getHostname() == "a.b"'], cost=_GET
)
def get_hostname(parts: dict[str, Any]) -> str:
    """The host of a URL without its port."""
    return _part(parts, "host")


@function("map.getPort() -> string", family="octo", examples=['url("https://a.b:80/c").getPort() == "80"'], cost=_GET)
def get_port(parts: dict[str, Any]) -> str:
    """The port of a URL as text, `""` if it is not written. The number is `url(...).port`."""
    return _part(parts, "port")


@function(
    "map.getEscapedPath() -> string",
    family="octo",
    examples=['url("https://a.b/c%20d").getEscapedPath() == "/c%20d"'],
    cost=_GET,
)
def get_escaped_path(parts: dict[str, Any]) -> str:
    """The path of a URL as it is written."""
    return _part(parts, "path")


@function(
    "map.getQuery() -> map(string, list(string))",
    family="octo",
    examples=['url("https://a.b/?c=1&c=2&d=").getQuery() == {"c": ["1", "2"], "d": [""]}'],
    cost=_GET,
)
def get_query(parts: dict[str, Any]) -> dict[str, list[str]]:
    """The query of a URL, with a list for each name."""
    fields = parts.get("query")
    if not isinstance(fields, dict):
        raise _no_parts()
    return {name: value if isinstance(value, list) else [value] for name, value in fields.items()}


def _part(parts: dict[str, Any], name: str) -> str:
    value = parts.get(name)
    if name not in parts or not isinstance(value, (str, int, type(None))):
        raise _no_parts()
    return "" if value is None else str(value)


def _no_parts() -> ExprError:
    return ExprError(INVALID_ARGUMENT, "this map is no URL", hint="Write url(text)")
