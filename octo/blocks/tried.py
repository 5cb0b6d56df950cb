"""Partial failure as a value: what became of one branch, or of one element, for expressions to look at.

{ok: true, value: BODY}
{ok: false, error: {type, code, message, status, retryable, block}}
"""

from __future__ import annotations

from octo.core.block import Block, driven
from octo.core.flow import Drop, Failure, Outcome, Processor, Stop
from octo.core.message import Message

_TOLD = ("type", "code", "message", "status", "retryable", "block")


def _tried(run: Processor, message: Message) -> Block[Outcome]:
    try:
        outcome: Outcome = yield run(message)
    except Failure as failure:
        told = failure.as_value("")
        return message.with_body({"ok": False, "error": {name: told[name] for name in _TOLD}})
    if isinstance(outcome, Stop):
        return outcome
    return message.with_body({"ok": True, "value": None if isinstance(outcome, Drop) else outcome.body})


tried = driven(_tried)
"""Run a chain on a message and return the message with the value as its body. A stop stays a stop."""
