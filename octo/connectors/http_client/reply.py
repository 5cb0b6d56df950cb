"""An answer, and how it becomes a message or an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from octo.connectors.http_client import codes
from octo.core import codec, content
from octo.core.charsets import is_text
from octo.core.errors import OctoError, Permanent, Transient
from octo.core.message import Message
from octo.core.secrets import masked

SNIPPET = 200
PASSING = (408, 425, 429)
"""Statuses of 4xx after which the same request may succeed later."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers by lower-case name, and the whole body. via: the headers of the redirects that led to it."""

    status: int
    headers: Mapping[str, str]
    data: bytes = field(repr=False)
    via: tuple[Mapping[str, str], ...] = ()

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", content.BINARY)


def into(message: Message, reply: Reply, status_var: str) -> Message:
    """Return the message with the answer as its body: JSON as a value, an empty answer as null, else raw content."""
    message = message.with_vars({**message.vars, status_var: reply.status})
    kind = reply.content_type
    if is_text(kind) or kind == content.BINARY or not reply.data:
        try:
            return message.with_body(codec.body(reply.data, kind))
        except codec.NotJson:
            pass
    return message.with_body(content.raw(reply.data, kind), raw=True)


def failure(
    reply: Reply,
    what: str,
    variables: Mapping[str, object],
    *,
    hide: Callable[[str], str] = str,
    code: str | None = None,
) -> OctoError:
    """Return the error for an answer of 400 or above. `what` begins its text, `hide` removes credentials from it."""
    passing = reply.status >= 500 or reply.status in PASSING
    kind = Transient if passing else Permanent
    return kind(
        f"{what} returned {reply.status}: {snippet(reply.data, hide)}",
        code=code or (codes.UNAVAILABLE if passing else codes.REFUSED),
        status=reply.status,
        vars=variables,
    )


def snippet(data: bytes, hide: Callable[[str], str] = str) -> str:
    """Return the beginning of a body for the text of an error. Cut last: a part of a secret is not recognised."""
    return masked(hide(data.decode(errors="replace")))[:SNIPPET].strip()
