"""What a source publishes itself: the outcome to who waits for it, and dead letters."""

from __future__ import annotations

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


def letter(message: AbstractIncomingMessage, verdict: Reject, queue: str) -> Message:
    """The message as it came, with what failed as a header."""
    headers = {name: value for name, value in (message.headers or {}).items() if name != _COUNTED}
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
