"""From a block's settings and a message to a request."""

from __future__ import annotations

from typing import NamedTuple

from yarl import URL

from octo.connectors.http_client import bodies, codes
from octo.connectors.http_client.caller import Caller
from octo.connectors.http_client.request import USUAL, Request, Terms
from octo.connectors.http_client.rest import Received, Rest, Sent
from octo.connectors.http_client.settings import is_value
from octo.core import trace
from octo.core.errors import Permanent
from octo.core.expressions import Expr
from octo.core.idempotency import idempotency_key
from octo.core.message import Message
from octo.expr import ExprError, render


class Asked(NamedTuple):
    """What a block asks for on a message."""

    method: str
    target: URL
    query: list[tuple[str, str]]
    headers: dict[str, str]


def asked(caller: Caller, settings: Rest, message: Message) -> Asked:
    """Return what a `rest` block asks for."""
    path = settings.path
    if path.fixed is not None:
        target = caller.target(path.fixed)
    else:
        target = caller.below(path(message), encoded=not path.is_expression)
    query = [pair for name, value in settings.query.items() for pair in pairs(name, value, message)]
    headers = {name: sound(name, value(message)) for name, value in settings.headers.items()}
    return Asked(settings.method, target, query, headers)


def request(caller: Caller, asked: Asked, sent: Sent, received: Received, message: Message) -> Request:
    """Return the request with body, credentials and the trace."""
    headers, data = asked.headers, None
    if sent.auth is not None:
        authorize(caller, headers, sent.auth(message))
    if sent.body is not None:
        named = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
        kind, data = bodies.written(sent.body(message), message, named, sent.body_type)
        if kind and (named is None or sent.body_type == "multipart"):
            headers["Content-Type"] = sound("Content-Type", kind)
    _keyed(asked.method, headers)
    context = trace.span_headers(message)
    if context and any(name.lower() in (trace.HEADER, trace.STATE) for name in headers):
        context = {}
    context = {**context, **caller.correlated(message.correlation_id, headers)}
    return caller.request(
        asked.method, asked.target, asked.query, headers, data, context, terms(caller, sent, received)
    )


def _keyed(method: str, headers: dict[str, str]) -> None:
    """Send the key of a step of a journal, unless the author has chosen another."""
    key = idempotency_key()
    if key and method not in ("GET", "HEAD", "OPTIONS") and all(each.lower() != "idempotency-key" for each in headers):
        headers["Idempotency-Key"] = key


def terms(caller: Caller, sent: Sent, received: Received) -> Terms:
    """Return the limits of a block's requests, where they are not the connector's."""
    most = received.max_response_bytes
    if not received.download and most is None and sent.timeout is None:
        return USUAL
    if most is None and received.download:
        most = caller.most_of_download
    return Terms(sent.timeout.total_seconds() or None if sent.timeout else None, most, received.download)


def authorize(caller: Caller, headers: dict[str, str], value: object) -> None:
    """Add the `Authorization` that an expression gave; null and empty add none."""
    if caller.credentials is not None:
        raise Permanent("the block has `auth`, and so has its connector: remove one of them", code=codes.BAD_AUTH)
    if value is None or value == "":
        return
    if not isinstance(value, str) or not is_value(value):
        raise Permanent("the value of `auth` is not one line of text", code=codes.BAD_AUTH)
    headers["Authorization"] = value


def sound(name: str, value: str) -> str:
    """Return a header's value. Raises `Permanent`: it would be more than that."""
    if not is_value(value):
        raise Permanent(f"the header {name} would have a line break or control character", code=codes.BAD_HEADER)
    return value


def pairs(name: str, expression: Expr[object], message: Message) -> list[tuple[str, str]]:
    """Return a parameter of the query: once for each item of a list, not at all for an optional without a value."""
    value = expression.evaluate(message)
    if value is None:
        if expression.program(message) is not None:  # an optional without a value
            return []
        raise _null(expression.text)
    return parameters(name, value, expression.text)


def parameters(name: str, value: object, text: str = "") -> list[tuple[str, str]]:
    """Return a parameter of the query for a value, once for each item of a list."""
    items = value if isinstance(value, list) else [value]
    if any(each is None for each in items):
        raise _null(text)
    return [(name, _whole(name, render(each))) for each in items]


def _null(text: str) -> ExprError:
    hint = 'has(...) ? ... : "" covers a value that may be missing; an optional (`body.?page`) or `[]` leaves it out'
    return ExprError("OCTO-E301", "expected a text, found null", hint=hint, text=text)


def _whole(name: str, value: str) -> str:
    # The library would leave half a character out, and ask for something else.
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise Permanent(f"the query parameter {name} has half a character", code=codes.NOT_IN_CHARSET)
    return value
