"""Failures as values: an error chain that was interrupted goes on with the failure that it was to handle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octo.core import record
from octo.core.errors import (
    Bug,
    Disconnected,
    NoRoom,
    NotConnected,
    OctoError,
    Overloaded,
    Permanent,
    Position,
    Timeout,
    Transient,
)
from octo.core.flow import Failure
from octo.core.message import Message
from octo.expr import ExprError

_KINDS: Mapping[str, type[OctoError]] = {
    each.__name__: each
    for each in (Timeout, Overloaded, NotConnected, Disconnected, NoRoom, Transient, Permanent, Bug, OctoError)
}

_NAMES = {*_KINDS, ExprError.__name__}


def packed(failure: Failure) -> Any:
    """The failure, and those that its error chains were to handle, as a JSON value."""
    cause = failure.cause
    return record.pack(
        {
            "kind": next(
                (each.__name__ for each in type(cause).__mro__ if each.__name__ in (*_KINDS, "ExprError")), ""
            ),
            "code": failure.as_value("")["code"],
            "status": cause.status if isinstance(cause, OctoError) else None,
            "text": str(cause),
            "vars": dict(cause.vars) if isinstance(cause, OctoError) else {},
            "after": cause.retry_after if isinstance(cause, Transient) else None,
            "label": failure.label,
            "address": failure.address,
            "way": failure.way,
            "said": _said(failure),
            "at": None if failure.at is None else [failure.at.file, failure.at.line, failure.at.column],
            "message": failure.message.to_record(),
            "first": None if failure.first is None else packed(failure.first),
        }
    )


def _said(failure: Failure) -> str:
    cause = failure.cause
    if failure.text is not None or isinstance(cause, OctoError | ExprError):
        return str(cause) if failure.text is None else failure.text
    return f"{type(cause).__name__}: {cause}"


def unpacked(kept: Any) -> Failure:
    """The failure that was packed. Its cause is of the nearest kind that Octo itself has, with the same code."""
    value: Any = record.unpack(kept)
    at = None if value["at"] is None else Position(*value["at"])
    message = Message.from_record(value["message"])
    failure = Failure(_cause(value), value["label"], value["address"], message, at, value["said"])
    failure.way = list(value["way"])
    failure.first = None if value["first"] is None else unpacked(value["first"])
    return failure


def _cause(value: Any) -> Exception:
    if value["kind"] == "ExprError":
        return ExprError(value["code"], value["text"])
    cause = _KINDS.get(value["kind"], Bug)(value["text"], code=value["code"])
    cause.status, cause.vars = value["status"], value["vars"]
    if isinstance(cause, Transient):
        cause.retry_after = value["after"]
    return cause
