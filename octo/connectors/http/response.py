"""From an outcome to a response."""

from __future__ import annotations

import logging
import math
import re
import reprlib
from functools import partial

from octo.connectors.http import codes
from octo.connectors.http.call import Answer, Proto
from octo.connectors.http.request import Rejected
from octo.connectors.http.sending import PIECE, Sending, send
from octo.core import codec, content
from octo.core.charsets import NotText
from octo.core.errors import Overloaded, Timeout
from octo.core.flow import Failure
from octo.core.log import fields
from octo.core.message import Message
from octo.core.spool import Content
from octo.expr.values import Duration, Timestamp

Headers = list[tuple[str, str]]

JSON: Headers = [("content-type", "application/json")]
BODILESS = (204, 205, 304)
log = logging.getLogger("octo.http")

_STATUS = re.compile(r"[2-5][0-9]{2}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def complete(proto: Proto, message: Message, headers: Headers, flow: str) -> Sending | None:
    """Write the message that the flow returned, with the status that it chose.

    Returns what must be called and awaited to send content that is in a file.
    """
    status = 200
    if "httpStatus" in message.vars:
        try:
            status = status_of(message.vars["httpStatus"])
        except NoStatus as error:
            author(proto, message, headers, flow, codes.NO_STATUS, str(error))
            return None
    body = message.body
    if status in BODILESS:
        proto.response_empty(status, headers)
    elif message.raw and body is not None:
        return _raw(proto, status, message, headers, flow)
    else:
        proto.response_bytes(status, JSON + headers, codec.write(body))
    return None


def _raw(proto: Proto, status: int, message: Message, headers: Headers, flow: str) -> Sending | None:
    try:
        content_type, data = content.out(message.body)
    except NotText as error:
        author(proto, message, headers, flow, codes.NOT_TEXT, str(error))
        return None
    if _CONTROL.search(content_type):
        content_type = content.BINARY
    headers = [("content-type", content_type), *headers]
    if isinstance(data, Content) and data.size > PIECE:
        return partial(send, proto, status, headers, data.stream(PIECE), data.size)
    proto.response_bytes(status, headers, bytes(data))
    return None


def dropped(proto: Proto, headers: Headers) -> None:
    proto.response_empty(204, headers)


def author(proto: Proto, message: Message, headers: Headers, flow: str, code: str, error: str) -> None:
    """Answer 500: the flow made what is no response. Its author finds out why in the log."""
    extra = fields(flow=flow, event_id=message.event_id, correlation_id=message.correlation_id, code=code, error=error)
    log.error("cannot write the response", extra=extra)
    ids = {"eventID": message.event_id, "correlationID": message.correlation_id}
    refuse(proto, 500, "internal server error", headers, **ids)


class NoStatus(ValueError):
    """A value that is not the status of a response; the text says so."""


def status_of(chosen: object) -> int:
    """Return the status that a flow chose: a whole number from 200 to 599, also as a float or as text. 1xx only
    announce a response and are none. Raises `NoStatus`.
    """
    status = chosen
    if (isinstance(status, str) and _STATUS.fullmatch(status)) or (isinstance(status, float) and status.is_integer()):
        status = int(status)
    if isinstance(status, int) and not isinstance(status, bool) and 200 <= status <= 599:
        return status
    shown = codec.write(chosen).decode() if chosen is None or isinstance(chosen, bool) else reprlib.repr(chosen)
    raise NoStatus(f"`vars.httpStatus` is {shown}; a status is a whole number from 200 to 599")


def lines(value: object) -> list[str | None]:
    """Return the lines of a header for each item of a list, or for one value; None for what is not a line of text."""
    items = value if isinstance(value, list) else [value]
    return [line(item) for item in items if item is not None]


def line(value: object) -> str | None:
    """Return a value as a single line of text, None if it is none."""
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


def refuse(proto: Answer, status: int, error: str, headers: Headers, **more: object) -> None:
    """Write an error as JSON. The texts are fixed, so they reveal nothing to callers; the log says what happened."""
    body = codec.write({"error": error, **{name: value for name, value in more.items() if value}})
    proto.response_bytes(status, JSON + headers, body)


def reject(proto: Proto, rejected: Rejected, headers: Headers) -> None:
    # Part of the request may still be on its way, so the connection cannot serve another.
    closing = [("connection", "close")] if rejected.status in (408, 413) else []
    headers = [*headers, *rejected.headers, *closing]
    problems = [each._asdict() for each in rejected.faults]
    refuse(proto, rejected.status, rejected.error, headers, detail=rejected.detail, problems=problems)


def failed(proto: Answer, error: Exception, message: Message, headers: Headers) -> None:
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


def busy(proto: Answer, error: str, headers: Headers, retry_after: float = 1.0, **more: str) -> None:
    seconds = max(1, math.ceil(retry_after)) if math.isfinite(retry_after) else 1
    refuse(proto, 503, error, [*headers, ("retry-after", str(seconds))], **more)


def moved(proto: Proto, path: str, query: str) -> None:
    """Redirect `/files` to the subtree `/files/`. 308 keeps method and body, unlike Go's 301.

    path: as it was sent.
    """
    # Browsers read a backslash as a slash: `/\host` would lead to another server.
    location = path.replace("\\", "%5C") + (f"?{query}" if query else "")
    proto.response_empty(308, [("location", location)])
