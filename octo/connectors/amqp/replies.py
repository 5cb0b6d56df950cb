"""What a source publishes itself: the outcome to who waits for it, and dead letters."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractIncomingMessage

from octo.core import codec, wire
from octo.core.delivery import Done, Reject
from octo.core.errors import OctoError, Permanent
from octo.core.flow import Drop
from octo.core.message import new_id
from octo.core.secrets import masked
from octo.expr import ExprError

ERROR = "X-Octo-Error"
"""The header of a reply whose body is an error: its code."""
DROPPED = "X-Octo-Dropped"
"""The header of a reply to a message that the flow has dropped: why."""
LETTER = "X-Octo-Letter"
"""The header of a dead letter that tells what failed."""
QUEUE = "X-Octo-Queue"
"""The header of a dead letter that names the queue it came from."""
_COUNTED = "x-delivery-count"


def reply(message: AbstractIncomingMessage, verdict: Done | Drop | Reject) -> Message:
    """The outcome, for who waits: the body of the message, nothing for one that was dropped, or the error."""
    headers: dict[str, str] = {}
    kind, data = "application/json", b""
    match verdict:
        case Done(made):
            try:
                kind, data = wire.written(made.body, raw=made.raw)
            except Permanent as error:
                headers, data = _failure(error.within("its reply"))
        case Drop(reason):
            headers = {DROPPED: reason or "dropped"}
        case Reject(error=error):
            headers, data = _failure(error)
    return Message(
        data,
        headers=dict(headers),
        content_type=kind,
        correlation_id=message.correlation_id,
        message_id=new_id(),
        delivery_mode=message.delivery_mode,
    )


def _failure(error: Exception) -> tuple[dict[str, str], bytes]:
    """An error that nobody planned for tells other systems nothing."""
    if not isinstance(error, OctoError | ExprError):
        told: dict[str, object] = {"error": "see its log", "code": "OCTO-R190", "retryable": False}
    else:
        retryable = isinstance(error, OctoError) and error.retryable
        told = {"error": masked(str(error)), "code": error.code, "retryable": retryable}
    return {ERROR: str(told["code"])}, codec.write(told)


def _sendable(value: Any) -> Any:
    """The value of a header, as one that the client can write, which is not all that it reads."""
    match value:
        case bytes():  # a text of another program that is not UTF-8
            return bytearray(value)
        case dict():
            return {str(name): _sendable(each) for name, each in value.items()}
        case list():
            return [_sendable(each) for each in value]
        case bool() | None | str() | float() | bytearray() | Decimal() | datetime():
            return value
        case int() if -(2**63) <= value < 2**63:
            return value
    return str(value)


def letter(message: AbstractIncomingMessage, verdict: Reject, queue: str) -> Message:
    """The message as it came, with what failed as a header."""
    headers = {name: _sendable(value) for name, value in (message.headers or {}).items() if name != _COUNTED}
    return Message(
        message.body,
        headers={**headers, LETTER: verdict.note, QUEUE: queue},
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        correlation_id=message.correlation_id,
        reply_to=message.reply_to,
        message_id=message.message_id or new_id(),
        timestamp=message.timestamp,
        type=message.type,
        app_id=message.app_id,
        priority=message.priority,
        delivery_mode=DeliveryMode.PERSISTENT,
    )
