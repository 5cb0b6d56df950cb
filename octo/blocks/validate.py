"""validate: refuse a message that breaks a rule, with an answer for its sender."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octo.core.block import Block, block
from octo.core.expressions import Expr
from octo.core.flow import Drop, Outcome, Stop, ending
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import Steps
from octo.core.state import State


class Rule(Settings):
    expr: Expr[bool]
    """What must be true, e.g. `body.amount > 0`."""
    message: str = ""
    """What the sender is told if it is not, e.g. `amount must be positive`."""


class Validate(Settings):
    rules: Annotated[list[Rule], Field(min_length=1)]
    """The rules: `- expr: EXPR` with `message: TEXT`. All are evaluated."""
    reject_status: int = Field(default=422, ge=200, le=599)
    """The HTTP status of the refusal."""
    on_reject: Steps | None = None
    """Makes the answer instead; `vars.validationErrors` has the messages. It sets `vars.httpStatus` itself. An empty
    chain counts as none."""

    def shape_after(self, before: State) -> State:
        for rule in self.rules:
            before.of(rule.expr)
        before.without_var("validationErrors").chain(self.on_reject)
        return before


@block("validate")
def validate(settings: Validate, message: Message) -> Block[Outcome]:
    """Let a message pass that satisfies all rules; refuse any other, and end the flow with the refusal.

    The refusal is `{"error": "validation_failed", "messages": [...]}`, with `vars.httpStatus` and
    `vars.validationErrors`; no error chain runs. If a rule cannot be evaluated, e.g. because a field is missing, that
    is an error.
    """
    messages = [_told(rule, number) for number, rule in enumerate(settings.rules, 1) if not rule.expr(message)]
    if not messages:
        return message
    refused = message.with_var("validationErrors", messages)
    if settings.on_reject is not None and settings.on_reject.raw:
        outcome: Outcome = yield settings.on_reject(refused)
        return outcome if isinstance(outcome, Drop) else Stop(ending(outcome))
    body = {"error": "validation_failed", "messages": messages}
    return Stop(refused.with_body(body).with_var("httpStatus", settings.reject_status))


def _told(rule: Rule, number: int) -> str:
    return rule.message or f"rule {number} is not satisfied"
