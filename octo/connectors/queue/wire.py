"""What stands in a queue: a message as its record. A reply is a message, a drop, or an error that both sides read."""

from __future__ import annotations

from octo.connectors.queue import codes
from octo.core import letter
from octo.core.delivery import Done
from octo.core.errors import OctoError, Permanent, Transient
from octo.core.flow import Drop
from octo.core.letter import Letter
from octo.core.message import Message
from octo.core.secrets import masked
from octo.expr import ExprError
from octo.services import limits


def sealed(message: Message) -> object:
    """The message, to be sent."""
    return message.to_record()


def opened(value: object) -> Message:
    """The message that was sent. Raises `Permanent` if it is none."""
    return Message.from_record(value)


def before(value: object) -> Letter | None:
    """The letter with which the message was among the dead letters; None if it was not replayed."""
    return letter.read(value.get(letter.BEFORE)) if isinstance(value, dict) else None


def reply(outcome: Done | Drop) -> object:
    """What the flow made of a message. What is too large to be sent is an error: else it could not be acknowledged."""
    made = {"dropped": outcome.reason} if isinstance(outcome, Drop) else {"message": sealed(outcome.message)}
    try:
        limits.size(made)
    except Permanent as error:
        return failure(error.within("its reply"))
    return made


def failure(error: Exception) -> object:
    """Why the flow failed. An error that nobody planned for tells other systems nothing."""
    if not isinstance(error, OctoError | ExprError):
        return {"error": "see its log"}
    return {
        "error": masked(str(error)),
        "code": error.code,
        "retryable": isinstance(error, OctoError) and error.retryable,
    }


def merged(message: Message, answer: object) -> Message:
    """The message with the reply folded in, as a called flow's result is. Raises the error that the reply is."""
    if not isinstance(answer, dict):
        raise Permanent("the reply is none of a queue source", code=codes.NO_REPLY)
    if "error" in answer:
        kind = Transient if answer.get("retryable") else Permanent
        code = f"{answer['code']}: " if answer.get("code") else ""
        raise kind(f"the consumer failed: {code}{answer['error']}", code=codes.FAILED)
    if "dropped" in answer:
        return message
    made = opened(answer.get("message"))
    return message.with_body(made.body, raw=made.raw).with_vars({**message.vars, **made.vars})
