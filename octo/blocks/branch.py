"""if and switch: content-based routing. The result of the chosen branch is the result of the block."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octo.core.block import block
from octo.core.expressions import Expr
from octo.core.flow import Result
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import Steps
from octo.core.state import State


class If(Settings):
    condition: Expr[bool]
    """Chooses the branch, e.g. `vars.method == "POST"`."""
    then: Steps
    """Runs when the condition is true."""
    else_: Steps | None = Field(None, alias="else")
    """Runs when the condition is false. Without it the message passes through."""

    def wording(self, path: tuple[str | int, ...]) -> str:  # noqa: ARG002  there is but one expression
        return ""

    def shape_after(self, before: State) -> State:
        before.of(self.condition)
        return before.chain(self.then).either(before.chain(self.else_))


@block("if")
def if_(settings: If, message: Message) -> Result:
    """Run one of two chains."""
    if settings.condition(message):
        return settings.then(message)
    return message if settings.else_ is None else settings.else_(message)


class Case(Settings):
    when: Expr[bool]
    """The case is taken when this is true and no case before it was taken."""
    name: str = ""
    """Name of the branch in addresses and traces."""
    process: Steps
    """Runs when the case is taken."""


class Switch(Settings):
    cases: Annotated[list[Case], Field(min_length=1)]
    """The cases, tried in order: `- when: EXPR` with `process: [...]`."""
    default: Steps | None = None
    """Runs when no case is taken. Without it the message passes through."""

    def wording(self, path: tuple[str | int, ...]) -> str:
        return f"switch case {path[1]}"

    def shape_after(self, before: State) -> State:
        after = []
        for case in self.cases:
            before.of(case.when)
            after.append(before.chain(case.process))
        return before.chain(self.default).either(*after)


@block("switch")
def switch(settings: Switch, message: Message) -> Result:
    """Run the first chain whose condition is true."""
    for case in settings.cases:
        if case.when(message):
            return case.process(message)
    return message if settings.default is None else settings.default(message)
