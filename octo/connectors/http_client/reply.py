"""An answer, and how it becomes a message or an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from octo.connectors.http_client import codes
from octo.core import clock, codec, content
from octo.core.charsets import is_text
from octo.core.dates import pause_of
from octo.core.errors import OctoError, Permanent, Transient
from octo.core.message import Message
from octo.core.secrets import masked
from octo.core.spool import Content

if TYPE_CHECKING:
    from octo.connectors.http_client.rest import Received

SNIPPET = 200
PASSING = (408, 425, 429)
"""Statuses of 4xx after which the same request may succeed later."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers by lower-case name, and the whole body. via: the headers of the redirects that led to it.

    url: the address that answered. cookies: the values of `Set-Cookie`, which cannot be joined.
    """

    status: int
    headers: Mapping[str, str]
    data: bytes | Content = field(repr=False)
    via: tuple[Mapping[str, str], ...] = ()
    url: str = ""
    cookies: tuple[str, ...] = ()

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", content.BINARY)


def into(message: Message, reply: Reply, received: Received) -> Message:
    """Return the message with the answer as its body: JSON as a value, an empty answer as null, else raw content.

    A large answer that is no JSON stays in its file. A download is raw content, whatever it is.
    """
    message = message.with_vars({**message.vars, **variables(reply, received)})
    kind, data = reply.content_type, reply.data
    if not received.download and _may_be_json(kind, data):
        try:
            return message.with_body(codec.body(bytes(data), kind))
        except codec.NotJson:
            pass
    return message.with_body(content.raw(data, kind), raw=True)


def _may_be_json(kind: str, data: bytes | Content) -> bool:
    if isinstance(data, Content):
        return "json" in kind
    return is_text(kind) or kind == content.BINARY or not data


def variables(reply: Reply, received: Received) -> dict[str, object]:
    """Return the variables that tell of an answer, be it an error or not."""
    found: dict[str, object] = {received.status_var: reply.status}
    if received.headers_var is not None:
        headers: dict[str, object] = dict(reply.headers)
        if reply.cookies:
            headers["set-cookie"] = list(reply.cookies)
        found[received.headers_var] = headers
    if received.url_var is not None:
        found[received.url_var] = reply.url
    return found


def failure(
    reply: Reply,
    what: str,
    variables: Mapping[str, object],
    *,
    hide: Callable[[str], str] = str,
    code: str | None = None,
    expected: Sequence[str] = (),
) -> OctoError:
    """Return the error for an answer that is none. `what` begins its text, `hide` removes credentials from it."""
    passing = reply.status >= 500 or reply.status in PASSING
    kind = Transient if passing else Permanent
    wanted = f", expected {' or '.join(expected)}" if expected else ""
    usual = codes.UNEXPECTED if reply.status < 400 else codes.UNAVAILABLE if passing else codes.REFUSED
    error = kind(
        f"{what} returned {reply.status}{wanted}: {snippet(reply.data, hide)}",
        code=code or usual,
        status=reply.status,
        vars=variables,
    )
    if isinstance(error, Transient):
        error.retry_after = pause_of(reply.headers.get("retry-after", ""), clock.now().timestamp())
    return error


def snippet(data: bytes | Content, hide: Callable[[str], str] = str) -> str:
    """Return the beginning of a body for the text of an error. Cut last: a part of a secret is not recognised."""
    if isinstance(data, Content):
        data = next(data.stream(), b"")
    # First what is known as secret: `hide` may take away a part of it, and nobody would know the rest.
    return hide(masked(data.decode(errors="replace")))[:SNIPPET].strip()
