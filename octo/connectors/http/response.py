"""From an outcome to a response."""

from __future__ import annotations

import logging
import math
import re

from octo.connectors.http.call import Proto
from octo.connectors.http.request import Rejected
from octo.core import codec, content
from octo.core.charsets import NotText
from octo.core.errors import Overloaded, Timeout
from octo.core.flow import Failure
from octo.core.log import fields
from octo.core.message import Message
from octo.expr.values import Duration, Timestamp

Headers = list[tuple[str, str]]

JSON: Headers = [("content-type", "application/json")]
BODILESS = (204, 205, 304)
log = logging.getLogger("octo.http")

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def complete(proto: Proto, message: Message, headers: Headers) -> None:
    """Write the message that the flow returned, with the status that it chose."""
    chosen = message.vars.get("httpStatus")
    status = 200 if chosen is None else status_of(chosen)
    body = message.body
    if body is None or status in BODILESS:
        proto.response_empty(status, headers)
    elif message.raw:
        _raw(proto, status, message, headers)
    else:
        proto.response_bytes(status, JSON + headers, codec.write(body))


def _raw(proto: Proto, status: int, message: Message, headers: Headers) -> None:
    try:
        content_type, data = content.out(message.body)
    except NotText as error:
        log.error("cannot write the response", extra=fields(event_id=message.event_id, error=error))  # noqa: TRY400
        refuse(proto, 500, "internal server error", headers, eventID=message.event_id)
        return
    if _CONTROL.search(content_type):
        content_type = content.BINARY
    proto.response_bytes(status, [("content-type", content_type), *headers], bytes(data))


def dropped(proto: Proto, headers: Headers) -> None:
    proto.response_empty(204, headers)


def status_of(chosen: object) -> int:
    """Return a whole number from 200 to 599 as it is, also if arithmetic made it a float; else 200.

    1xx announce a response and are none, so they become 200 too.
    """
    if isinstance(chosen, float) and chosen.is_integer():
        chosen = int(chosen)
    if isinstance(chosen, int) and not isinstance(chosen, bool) and 200 <= chosen <= 599:
        return chosen
    return 200


def from_variables(message: Message, names: tuple[tuple[str, str], ...]) -> Headers:
    """Return the variables that the route declares as headers, without those that are not a single line of text.

    names: of the variables, each with that of its header.
    """
    headers = []
    for name, header in names:
        value = message.vars.get(name)
        if value is None:
            continue
        line = _line(value)
        if line is None:
            log.warning(
                "variable left out of the response headers: it is not a single line of text",
                extra=fields(variable=name, event_id=message.event_id),
            )
        else:
            headers.append((header, line))
    return headers


def _line(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return codec.write(value).decode()
    if isinstance(value, Timestamp | Duration):
        return str(value)
    if isinstance(value, str) and not _CONTROL.search(value):
        return value
    return None


# --- what went wrong ---------------------------------------------------------------------------------------------


def refuse(proto: Proto, status: int, error: str, headers: Headers, **more: str) -> None:
    """Write an error as JSON. The texts are fixed, so they reveal nothing to callers; the log says what happened."""
    body = codec.write({"error": error, **{name: value for name, value in more.items() if value}})
    proto.response_bytes(status, JSON + headers, body)


def reject(proto: Proto, rejected: Rejected, headers: Headers) -> None:
    # Part of the request may still be on its way, so the connection cannot serve another.
    closing = [*headers, ("connection", "close")] if rejected.status in (408, 413) else headers
    refuse(proto, rejected.status, rejected.error, closing, detail=rejected.detail)


def failed(proto: Proto, error: Exception, message: Message, headers: Headers) -> None:
    """Write the response for a flow that raised. With the ids, operators find its log lines."""
    ids = {"eventID": message.event_id, "correlationID": message.correlation_id}
    if isinstance(error, Timeout):
        refuse(proto, 504, "flow timed out", headers, **ids)
    elif isinstance(error, Overloaded):
        busy(proto, "server is overloaded", headers, error.retry_after, **ids)
    else:
        if not isinstance(error, Failure):
            log.error("request failed", extra=fields(event_id=message.event_id), exc_info=error)
        refuse(proto, 500, "internal server error", headers, **ids)


def busy(proto: Proto, error: str, headers: Headers, retry_after: float = 1.0, **more: str) -> None:
    seconds = max(1, math.ceil(retry_after)) if math.isfinite(retry_after) else 1
    refuse(proto, 503, error, [*headers, ("retry-after", str(seconds))], **more)


def moved(proto: Proto, path: str, query: str) -> None:
    """Redirect `/files` to the subtree `/files/`. 308 keeps method and body, unlike Go's 301.

    path: as it was sent.
    """
    location = path + (f"?{query}" if query else "")
    proto.response_empty(308, [("location", location)])
