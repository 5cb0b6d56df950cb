"""A request, and the errors of sending it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from yarl import URL

from octo.connectors.http_client import codes
from octo.core import codec, content
from octo.core.charsets import NotText, encode
from octo.core.errors import NotConnected, Permanent, Timeout, Transient
from octo.core.message import Message
from octo.core.spool import Content


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. Header names stay as written; they are compared in lower case.

    headers: what the author asks for. context: what Octo adds to say which message it is about (the trace); the answer
        does not depend on it.
    """

    method: str
    url: URL
    headers: Mapping[str, str]
    data: bytes | Content | None = field(default=None, repr=False)
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The address for messages, without the query, which may contain secrets."""
        return str(self.url.with_query(None).with_fragment(None))

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers.items() if key.lower() == name), None)

    def with_header(self, name: str, value: str) -> Request:
        return replace(self, headers={**self.headers, name: value})


def written(body: object, message: Message, named: str | None) -> tuple[str, bytes | Content]:
    """Return the content type and the bytes to send for a body.

    named: the content type in the block's headers, if any. The one that is returned is for requests without it: "" for
        a text, which needs none.
    """
    try:
        if message.raw and body is message.body:
            kind, data = content.out(body if named is None else {"contentType": named, "rawData": content.data(body)})
            return kind, data
        if isinstance(body, str):
            return "", encode(body, named or "")
    except NotText as error:
        raise Permanent(str(error), code=codes.NOT_IN_CHARSET) from None
    if isinstance(body, bytes):
        return content.BINARY, body
    return "application/json", codec.write(body)


def cannot_connect(request: Request, reason: object) -> NotConnected:
    return NotConnected(f"{_what(request)}: cannot connect: {reason}", code=codes.UNREACHABLE)


def too_slow(request: Request, seconds: float) -> Timeout:
    return Timeout(f"{_what(request)}: no answer within {seconds:g}s", code=codes.TOO_SLOW)


def broken(request: Request, why: str = "the connection broke") -> Transient:
    return Transient(f"{_what(request)}: {why}", code=codes.UNREACHABLE)


def too_large(request: Request, limit: int, status: int) -> Permanent:
    return Permanent(
        f"the answer of {request.target} is larger than `maxResponseBytes` ({limit})",
        code=codes.TOO_LARGE,
        status=status,
    )


def failed(request: Request, reason: object, code: str = codes.BAD_EXCHANGE) -> Permanent:
    return Permanent(f"{_what(request)}: {reason}", code=code)


def _what(request: Request) -> str:
    return f"rest request: {request.method} {request.target}"
