"""enrich: run a chain on the side, and take from its result what the message needs."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from octo.core.block import Block, block
from octo.core.expressions import Expr
from octo.core.flow import Drop, Failure, Outcome, Stop, ending
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import Afterwards, Always, Steps
from octo.core.state import State

Name = Annotated[str, Field(min_length=1)]


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


class Enrich(Settings):
    body: Annotated[Steps, Always()]
    """The chain. It works on a copy: what it changes stays inside."""
    set_body: Annotated[Expr[object] | None, Afterwards(), BeforeValidator(_none_if_empty)] = None
    """The new body, from the chain's result: there `body` and `vars` are those that the chain ended with. Without it
    the body stays as it was."""
    set_vars: dict[Name, Annotated[Expr[object], Afterwards()]] = Field(default_factory=dict)
    """Variables to set, each with an expression over the chain's result: `{customer: body.name}`."""

    def shape_after(self, before: State) -> State:
        result, after = before.chain(self.body), before
        if self.set_body is not None:
            after = after.with_body(result.of(self.set_body))
        for name, value in self.set_vars.items():
            after = after.with_var(name, result.of(value))
        return after


@block("enrich")
def enrich(settings: Enrich, message: Message) -> Block[Outcome]:
    """Run a chain on a copy of the message, and take body and variables from its result.

    A drop inside the chain drops the message, an error fails the block. If the chain stops with an answer, the flow
    ends with the message that was made of it.
    """
    try:
        outcome: Outcome = yield settings.body(message)
    except Failure as failure:
        failure.message = message
        raise
    if isinstance(outcome, Drop):
        return outcome
    result = ending(outcome)
    enriched = message if settings.set_body is None else message.with_body(settings.set_body(result))
    if settings.set_vars:
        found = {name: value(result) for name, value in settings.set_vars.items()}
        enriched = enriched.with_vars({**message.vars, **found})
    return Stop(enriched) if isinstance(outcome, Stop) else enriched
