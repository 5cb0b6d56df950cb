"""A request, and the errors of sending it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from yarl import URL

from octo.connectors.http_client import codes
from octo.connectors.http_client.multipart import Multipart
from octo.core.errors import NotConnected, Permanent, Timeout, Transient
from octo.core.spool import Content

Data = bytes | Content | Multipart
"""A body to send. What is not bytes is read piece by piece, in each attempt from its beginning."""


class Terms(NamedTuple):
    """Limits of one request in place of the connector's.

    patience: seconds that one attempt may take. most: bytes of the answer. download: whether the answer becomes raw
    content, so that none is kept in the cache.
    """

    patience: float | None = None
    most: int | None = None
    download: bool = False


USUAL = Terms()


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. Header names stay as written; they are compared in lower case.

    headers: what the author asks for. context: what Octo adds to say which message it is about (the trace); the answer
        does not depend on it. trusted: whether it may carry the connector's credentials.
    """

    method: str
    url: URL
    headers: Mapping[str, str]
    data: Data | None = field(default=None, repr=False)
    context: Mapping[str, str] = field(default_factory=dict)
    terms: Terms = USUAL
    trusted: bool = True

    @property
    def target(self) -> str:
        """The address for messages, without the query, which may contain secrets."""
        return str(self.url.with_query(None).with_fragment(None))

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers.items() if key.lower() == name), None)

    def with_header(self, name: str, value: str) -> Request:
        return replace(self, headers={**self.headers, name: value})


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
