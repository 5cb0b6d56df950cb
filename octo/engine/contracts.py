"""Check the contracts of flows while they run: for every message in tests, elsewhere for a share of them on request."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from octo.config.documents import FlowDoc
from octo.core.contract import Contract, Postcondition, Precondition
from octo.core.errors import Position
from octo.core.flow import Drop, Outcome, Processor, Result, ending
from octo.core.message import Message
from octo.engine.observe import Build, Observer
from octo.expr import ExprError


class Violation(NamedTuple):
    """A clause that did not hold.

    kind: "requires" or "ensures". text: the expression. reason: why it does not hold: the clause's own `because`, or
    the error that evaluating it raised. message: the flow's input. answer: the flow's output, None for `requires`.
    """

    kind: str
    flow: str
    text: str
    reason: str
    at: Position | None
    message: Message
    answer: Message | None = None

    def __str__(self) -> str:
        found = f'flow "{self.flow}" {self.kind} {self.text}, which does not hold'
        return f"{found}: {self.reason}" if self.reason else found


class Contracts(Observer):
    """Calls `violated` for every clause that did not hold. The message goes on all the same.

    share: the share of the messages that are checked, 0.0 to 1.0; chance picks them.
    """

    def __init__(self, violated: Callable[[Violation], None], share: float = 1.0) -> None:
        self._violated = violated
        self._share = share

    def flow(self, doc: FlowDoc, build: Build) -> Processor:
        process, contract = build(self), doc.contract
        if contract is None or not self._share:
            return process

        def checked(message: Message) -> Result:
            if random.random() >= self._share:  # noqa: S311  a sample, not a secret
                return process(message)
            self._before(doc.name, contract, message)
            result = process(message)
            if isinstance(result, Outcome):
                return self._after(doc.name, contract, message, result)
            return self._later(doc.name, contract, message, result)

        return checked

    def _before(self, flow: str, contract: Contract, message: Message) -> None:
        for clause in contract.requires:
            reason = broken(clause, message.body, message.vars)
            if reason is not None:
                self._violated(Violation("requires", flow, clause.that.text, reason, clause.that.at, message))

    def _after(self, flow: str, contract: Contract, message: Message, outcome: Outcome) -> Outcome:
        answer = ending(outcome)
        if isinstance(answer, Drop):
            return outcome
        came = {"body": message.body, "vars": message.vars}
        for clause in contract.ensures:
            reason = broken(clause, answer.body, answer.vars, came)
            if reason is not None:
                self._violated(Violation("ensures", flow, clause.that.text, reason, clause.that.at, message, answer))
        return outcome

    async def _later(self, flow: str, contract: Contract, message: Message, waiting: Awaitable[Outcome]) -> Outcome:
        return self._after(flow, contract, message, await waiting)


def broken(clause: Precondition | Postcondition, *values: object) -> str | None:
    """Return None if the clause holds, else why it does not."""
    try:
        return None if clause.that(*values) else clause.because
    except ExprError as error:
        return str(error)
