"""Failures as values: an error chain that was interrupted goes on with the failure that it was to handle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octo.core import record
from octo.core.errors import Bug, OctoError, Overloaded, Permanent, Position, Timeout, Transient
from octo.core.flow import Failure
from octo.core.message import Message

_KINDS: Mapping[str, type[OctoError]] = {
    each.__name__: each for each in (Timeout, Overloaded, Transient, Permanent, Bug, OctoError)
}


def packed(failure: Failure) -> dict[str, Any]:
    """The failure, and those that its error chains were to handle, as a JSON value."""
    told = failure.as_value("")
    cause = failure.cause
    return {
        "type": told["type"],
        "code": told["code"],
        "status": told["status"],
        "text": str(cause),
        "vars": record.pack(dict(cause.vars)) if isinstance(cause, OctoError) else {},
        "after": cause.retry_after if isinstance(cause, Transient) else None,
        "label": failure.label,
        "address": failure.address,
        "way": failure.way,
        "said": failure.text,
        "at": None if failure.at is None else [failure.at.file, failure.at.line, failure.at.column],
        "message": failure.message.to_record(),
        "first": None if failure.first is None else packed(failure.first),
    }


def unpacked(value: Any) -> Failure:
    """The failure that was packed. Its cause is of the nearest kind that Octo itself has, with the same code."""
    kind = _KINDS.get(value["type"], Permanent)
    cause = kind(value["text"], code=value["code"])
    cause.status, cause.vars = value["status"], record.unpack(value["vars"])
    if isinstance(cause, Transient):
        cause.retry_after = value["after"]
    at = None if value["at"] is None else Position(*value["at"])
    text = value["said"] if value["said"] is not None else value["text"]
    failure = Failure(cause, value["label"], value["address"], Message.from_record(value["message"]), at, text)
    failure.way = list(value["way"])
    failure.first = None if value["first"] is None else unpacked(value["first"])
    return failure
