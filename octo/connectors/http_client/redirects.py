"""Where an answer sends its request: the next request, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from yarl import URL

from octo.connectors.http_client import codes, settings
from octo.connectors.http_client.reply import Reply
from octo.connectors.http_client.request import Request, failed
from octo.core.errors import Permanent

MOST = 10
STATUSES = frozenset((301, 302, 303, 307, 308))
_WRITTEN = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
HARMLESS = frozenset(
    ("accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "range", "user-agent")
)
"""Headers that another server may read: they say what is wanted, not who wants it."""


def leads_on(status: int, headers: Mapping[str, str]) -> bool:
    """Whether an answer names another address."""
    return status in STATUSES and bool(headers.get("location"))


def following(request: Request, reply: Reply, mode: settings.FollowRedirects) -> Request:
    """Return the request that a redirect asks for.

    POST becomes GET after 301, 302 and 303, and any method but HEAD after 303, without its body. To another server go
    only `HARMLESS` headers, and no body. A server that once lost the others does not get them back.
    Raises `Permanent`: the address cannot be used, or the request may not go there.
    """
    url = address(request.url, reply.headers["location"], lambda why: failed(request, f"it redirects to {why}"))
    further = _as_get(request) if _becomes_get(request.method, reply.status) else request
    return led(further, url, mode, lambda why: _refused(request, url, reply, why))


def led(request: Request, url: URL, mode: settings.FollowRedirects, refused: Callable[[str], Permanent]) -> Request:
    """Return the request to an address that an answer names. Another server gets neither body nor credentials.

    refused: makes the error for an address to which the request may not go.
    """
    if request.url.scheme == "https" and url.scheme == "http":
        raise refused("without TLS everyone on the way can read and change it")
    if is_same_server(request.url, url):
        return replace(request, url=url)
    if mode == "same-origin":
        raise refused("that is another server, and `followRedirects` is `same-origin`")
    if request.data is not None or request.method not in ("GET", "HEAD", "OPTIONS"):
        raise refused(f"a {request.method} and its body are meant for one server")
    headers = {name: value for name, value in request.headers.items() if name.lower() in HARMLESS}
    return replace(request, url=url, headers=headers, context={}, trusted=False)


def is_same_server(one: URL, other: URL) -> bool:
    """Whether two addresses have the same scheme, host and port, or one is that of the other with TLS."""
    if one.host != other.host:
        return False
    upgraded = one.scheme == "http" and other.scheme == "https" and one.is_default_port() and other.is_default_port()
    return upgraded or (one.scheme == other.scheme and one.port == other.port)


def too_many(requests: list[Request]) -> Permanent:
    """Return the error for a chain that does not end. It names the circle, if there is one."""
    last = requests[-1]
    again = next((place for place in range(len(requests) - 2, -1, -1) if requests[place].url == last.url), None)
    if again is None:
        return failed(requests[0], f"too many redirects: more than {MOST}, the last to {last.target[:200]}")
    circle = " -> ".join(each.target for each in requests[again:])
    return failed(requests[0], f"too many redirects: more than {MOST}, in a circle: {circle[:500]}")


def address(base: URL, location: str, fail: Callable[[str], Permanent]) -> URL:
    """Return the address that an answer from `base` names, whole or relative.

    fail: makes the error for what is none; its text says what was found.
    """
    try:
        # As it is written, if it can be: an address may be signed, and `%2F` in a signature is not a slash.
        url = base.join(URL(location, encoded=bool(_WRITTEN.fullmatch(location)))).with_fragment(None)
        host, port = url.host, url.port  # reading them can fail
    except ValueError:
        raise fail(f"{location[:200]!r}, which is no address") from None
    if url.scheme not in ("http", "https") or not host or not port:
        raise fail(f"{shown(url)}, which is no address of HTTP")
    if url.user is not None or url.password is not None:
        raise fail(f"{url.host} with credentials in the address")
    return url


def _becomes_get(method: str, status: int) -> bool:
    return (status == 303 and method not in ("GET", "HEAD")) or (status in (301, 302) and method == "POST")


def _as_get(request: Request) -> Request:
    headers = {
        name: value
        for name, value in request.headers.items()
        if not name.lower().startswith("content-") and name.lower() not in ("digest", "idempotency-key", "expect")
    }
    return replace(request, method="GET", headers=headers, data=None)


def _refused(request: Request, url: URL, reply: Reply, why: str) -> Permanent:
    where = f"it answers {reply.status} and redirects to {shown(url)}"
    return Permanent(
        f"rest request: {request.method} {request.target}: {where}; not followed: {why}",
        code=codes.REDIRECT,
        status=reply.status,
    )


def shown(url: URL) -> str:
    """Return an address without what may be secret, of bounded length."""
    return str(url.with_query(None))[:200] if url.host and url.user is None else f"{url.scheme}:"
