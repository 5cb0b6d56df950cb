"""Steps: a block bound to its settings, and how its errors become failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from octo.core.errors import Position
from octo.core.expressions import Expr, told
from octo.core.flow import Failure, Result
from octo.core.message import Message
from octo.expr import ExprError


class Step(NamedTuple):
    """A block bound to its settings: it needs nothing more than a message.

    type: the block's type. connector: the name of the connector it calls, None for a block that calls none.
    at: the block's place in its file.
    expressions: those in its settings, each with the name that errors give it, to tell which one failed and where.
    judge: takes an error that the block raised, for its connector, and returns the error to go on with.
    """

    call: Callable[[Message], Result]
    label: str
    address: str
    at: Position | None = None
    expressions: tuple[tuple[str, Expr[Any]], ...] = ()
    type: str = ""
    connector: str | None = None
    judge: Callable[[Exception], Exception] | None = None

    def failed(self, error: Exception, message: Message) -> Failure:
        """Return what the chain raises when this step raised `error` on `message`."""
        cause = error if self.judge is None else self.judge(error)
        at, text = self.at, None
        if isinstance(cause, ExprError) and (found := self.find(cause.text, cause.by)):
            setting, expression = found
            text = told(setting, cause)
            if expression.locate is not None:
                at = expression.locate(cause.line, cause.column)
        return Failure(cause, self.label, self.address, message, at, text)

    def find(self, text: str, by: int | None = None) -> tuple[str, Expr[Any]] | None:
        """The expression of the text, with its name; None if it is no expression of the settings.

        by: which one it is, if several have that text.
        """
        return next((each for each in self.expressions if each[1].text == text and by in (None, id(each[1]))), None)

    def passed(self, failure: Failure) -> None:
        """Note that the failure of a chain inside this step passes through it."""
        failure.inside(f'block "{self.label}"', self.label)
