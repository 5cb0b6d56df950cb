"""What a `rest-dynamic` block asks for: method, path, query and headers of the message, within the author's limits."""

from __future__ import annotations

from urllib.parse import unquote

from octo.connectors.http_client import codes
from octo.connectors.http_client.caller import Caller
from octo.connectors.http_client.paths import whole
from octo.connectors.http_client.redirects import HARMLESS
from octo.connectors.http_client.rest import RestDynamic
from octo.connectors.http_client.sending import Asked, parameters, sound
from octo.connectors.http_client.settings import header_fault
from octo.core.errors import Permanent
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.expr import render

_IDENTITY = ("authorization", "proxy-authorization", "host")


def asked(caller: Caller, settings: RestDynamic, message: Message) -> Asked:
    """Return what the message asks for. Raises `Permanent`: it may not."""
    method = settings.method(message).strip().upper()
    if method not in settings.allow_methods:
        raise _refused(f"the method {method[:20]!r} is none of `allowMethods` ({', '.join(settings.allow_methods)})")
    path = whole(settings.path(message))
    if not is_below(path, settings.path_prefix):
        raise _refused(f"the path is not below `pathPrefix` ({settings.path_prefix})")
    query = [pair for name, value in _map("query", settings.query, message) for pair in parameters(name, value)]
    headers = dict(_header(caller, name, value) for name, value in _map("headers", settings.headers, message))
    return Asked(method, caller.below(path, encoded=False), query, headers)


def is_below(path: str, prefix: str) -> bool:
    """Whether a path is the prefix or below it, segment by segment."""
    wanted = _segments(prefix)
    return _segments(path.partition("?")[0])[: len(wanted)] == wanted


def _segments(path: str) -> list[str]:
    bare = path.strip("/")
    return [unquote(each) for each in bare.split("/")] if bare else []


def _map(name: str, expression: Expr[object] | None, message: Message) -> list[tuple[str, object]]:
    value = None if expression is None else expression(message)
    if value is None:
        return []
    if not isinstance(value, dict):
        raise _refused(f"`{name}` must evaluate to a map")
    return list(value.items())


def _header(caller: Caller, name: str, value: object) -> tuple[str, str]:
    if fault := header_fault(name):
        raise _refused(fault)
    if name.lower() in _IDENTITY:
        raise _refused(f"a message may not choose the header {name}: it says who calls, or which server is meant")
    if name.lower() in caller.header_names - HARMLESS:
        raise _refused(f"a message may not choose the header {name}: the connector has it")
    if value is None or isinstance(value, list | dict | bytes):
        raise _refused(f"the header {name} is no text")
    return name, sound(name, render(value))


def _refused(why: str) -> Permanent:
    return Permanent(why, code=codes.NOT_ALLOWED)
