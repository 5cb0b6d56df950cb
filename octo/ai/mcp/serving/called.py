"""A chain that a client of MCP has called: what it is told, and how what it has made of that becomes a result."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from octo.ai.mcp.serving.offer import Run
from octo.core.errors import OctoError, Overloaded, Timeout
from octo.core.flow import Drop, Failure, Stop, at_last
from octo.core.log import fields
from octo.core.message import Message
from octo.expr import ExprError

log = logging.getLogger("octo.mcp")
CALL = "mcp"
"""The variable that says how a chain was called: `version`, `client` (its capabilities) and `answers`."""
ASKED = "mcpAsked"
"""The variable in which `mcp-ask` leaves what it asks for."""
_OWN = (CALL, ASKED, "mcpContent", "mcpAnswers", "httpStatus")
"""Variables of the caller that a chain does not see: they would be taken for what it says itself."""


class Refused(Exception):
    """What was called has not succeeded. The text is for the client, and tells it nothing about the inside."""


class Call(NamedTuple):
    """How a client has called: the revision it speaks, what it can do, and what it has answered so far."""

    version: str
    client: Mapping[str, Any]
    answers: Mapping[str, Any]

    def message(self, caller: Message, body: object) -> Message:
        """Return what a chain gets."""
        variables = {name: value for name, value in caller.vars.items() if name not in _OWN}
        variables[CALL] = {"version": self.version, "client": self.client, "answers": self.answers}
        return caller.rekeyed().with_vars(variables).with_body(body)


async def outcome(what: str, run: Run, message: Message) -> Message:
    """Run the chain and return what it made. Raises `Refused` if it made nothing, or failed: the log says why."""
    try:
        ended = await at_last(run(message))
    except Exception as error:
        log.warning("%s failed", what, extra=fields(**_told(error)), exc_info=not _is_known(error))
        raise Refused(f"{what} failed: {_reason(error)}") from None
    if isinstance(ended, Drop):
        raise Refused(f"{what} has no result")
    return ended.message if isinstance(ended, Stop) else ended


def is_refusal(message: Message) -> bool:
    """Whether a chain has said that what it made is an error: by a status of HTTP, as `validate` does."""
    status = message.vars.get("httpStatus")
    return isinstance(status, int) and status >= 400


def _reason(error: Exception) -> str:
    cause = error.cause if isinstance(error, Failure) else error
    if isinstance(cause, Timeout):
        return "it took too long"
    if isinstance(cause, Overloaded):
        return "the server has too much to do, try again later"
    if isinstance(cause, OctoError) and cause.retryable:
        return "another system did not answer, try again later"
    return "an internal error"


def _is_known(error: Exception) -> bool:
    cause = error.cause if isinstance(error, Failure) else error
    return isinstance(cause, OctoError | ExprError)


def _told(error: Exception) -> dict[str, object]:
    cause = error.cause if isinstance(error, Failure) else error
    return {"code": getattr(cause, "code", "OCTO-R190"), "error": str(error)}
