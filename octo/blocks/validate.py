"""validate: refuse a message that breaks a rule, with an answer for its sender."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from octo.core.block import Block, block
from octo.core.expressions import Expr
from octo.core.flow import Drop, Outcome, Stop, ending
from octo.core.message import Message
from octo.core.schema import JsonSchema
from octo.core.settings import Settings
from octo.core.sockets import Steps
from octo.core.state import State


class Rule(Settings):
    expr: Expr[bool]
    """What must be true, e.g. `body.amount > 0`."""
    message: str = ""
    """What the sender is told if it is not, e.g. `amount must be positive`."""


class Validate(Settings):
    may_stop: ClassVar[bool] = True

    rules: list[Rule] = Field(default_factory=list)
    """The rules: `- expr: EXPR` with `message: TEXT`. All are evaluated."""
    schema_: JsonSchema | None = Field(
        default=None, alias="schema", examples=["order.schema.json", {"type": "object", "required": ["id"]}]
    )
    """A JSON Schema that the body must fit, written here, or the name of a file beside the configuration (JSON or
    YAML). Rules are evaluated only if it does."""
    reject_status: int = Field(default=422, ge=200, le=599)
    """The HTTP status of the refusal."""
    on_reject: Steps | None = None
    """Makes the answer instead; `vars.validationErrors` has the messages. It sets `vars.httpStatus` itself. An empty
    chain counts as none."""

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.rules and self.schema_ is None:
            raise ValueError("it needs `rules` or a `schema`")
        return self

    def wording(self, path: tuple[str | int, ...]) -> str:
        return f"validate rule {path[1]}"

    def shape_after(self, before: State) -> State:
        for rule in self.rules:
            before.of(rule.expr)
        before.without_var("validationErrors").chain(self.on_reject)
        return before


@block("validate")
def validate(settings: Validate, message: Message) -> Block[Outcome]:
    """Let a message pass that fits the schema and satisfies all rules; refuse any other, and end the flow with that.

    The refusal is `{"error": "validation_failed", "messages": [...]}`, with `vars.httpStatus` and
    `vars.validationErrors`, the messages; no error chain runs. A schema adds `faults`: what is wrong where, each with
    a JSON Pointer. If a rule cannot be evaluated, e.g. because a field is missing, that is an error.
    """
    faults = settings.schema_.faults(message.body) if settings.schema_ is not None else []
    messages = [f"{fault.pointer}: {fault.message}" if fault.pointer else fault.message for fault in faults]
    if not faults:
        messages = [_told(rule, number) for number, rule in enumerate(settings.rules, 1) if not rule.expr(message)]
    if not messages:
        return message
    refused = message.with_var("validationErrors", messages)
    if settings.on_reject is not None and settings.on_reject.raw:
        outcome: Outcome = yield settings.on_reject(refused)
        return outcome if isinstance(outcome, Drop) else Stop(ending(outcome))
    body: dict[str, object] = {"error": "validation_failed", "messages": messages}
    if faults:
        body["faults"] = [{"pointer": fault.pointer, "message": fault.message} for fault in faults]
    return Stop(refused.with_body(body).with_var("httpStatus", settings.reject_status))


def _told(rule: Rule, number: int) -> str:
    return rule.message or f"rule {number} is not satisfied"
