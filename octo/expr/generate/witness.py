"""Code that records what every piece of an expression came to.

It is the usual translation with a call around each piece. There is no second interpreter, so an explanation never
disagrees with the evaluation.
"""

import _ast as py
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from octo.expr.environment import Environment
from octo.expr.errors import ExprError
from octo.expr.generate import emit
from octo.expr.generate.core import Generator, Handler, Value
from octo.expr.nodes import Loop, Node, children

FIRST_STEPS: Final = 3
"""How many of the first rounds of a loop are kept; the last one is always kept."""

Position = tuple[int, int]
Explain = Callable[[BaseException], tuple[Position, ExprError]]


class Pieces:
    """The pieces of an expression by number and by place, and the loops around each.

    known: the values that are known before anything runs.
    A loop is identified by the number of its body.
    """

    def __init__(self, tree: Node) -> None:
        self.of: dict[int, int] = {}
        self.at: dict[Position, int] = {}
        self.around: dict[int, frozenset[int]] = {}
        self.known: dict[int, Any] = {}
        self._keep = tree  # pieces are numbered by the id() of their node, so all nodes must stay alive
        pending: list[tuple[Node, frozenset[int]]] = [(tree, frozenset())]
        while pending:
            node, around = pending.pop()
            number = self.number(node)
            self.around[number] = around
            self.at.setdefault((node.anchor, node.end), number)
            inside = around | {self.number(node.body)} if isinstance(node, Loop) else around
            pending += [(each, around if _is_source(node, each) else inside) for each in children(node)]

    def number(self, node: Node) -> int:
        return self.of.setdefault(id(node), len(self.of))


def _is_source(node: Node, child: Node) -> bool:
    return isinstance(node, Loop) and child is node.source


class Outcome:
    """What a piece came to: a value, or an error."""

    __slots__ = ("error", "value")

    def __init__(self, value: Any = None, error: ExprError | None = None) -> None:
        self.value = value
        self.error = error


class Round:
    """The outcomes in one round of a loop, or outside all loops."""

    __slots__ = ("body", "loops", "outcomes", "variables")

    def __init__(self, body: int | None = None, variables: Sequence[Any] = ()) -> None:
        self.body = body
        self.variables = variables
        self.outcomes: dict[int, Outcome] = {}
        self.loops: dict[int, Rounds] = {}

    @property
    def has_failed(self) -> bool:
        return any(outcome.error for outcome in self.outcomes.values())


class Rounds:
    """The rounds of a loop: how many there were, the first few, the first later one that failed, and the last."""

    __slots__ = ("count", "kept")

    def __init__(self) -> None:
        self.count = 0
        self.kept: list[Round] = []

    def add(self, step: Round) -> None:
        if self.count > FIRST_STEPS and not (len(self.kept) == FIRST_STEPS + 1 and self.kept[-1].has_failed):
            self.kept.pop()
        self.count += 1
        self.kept.append(step)


class Record:
    """Collects what the running code reports."""

    def __init__(self, pieces: Pieces, explain: Explain) -> None:
        self.pieces = pieces
        self.explain = explain
        self.top = Round()
        self._open = [self.top]

    def saw(self, piece: int, value: Any) -> Any:
        self._round(self.pieces.around[piece]).outcomes[piece] = Outcome(value)
        return value

    def stepped(self, body: int, *variables: Any) -> None:
        outer = self._round(self.pieces.around[body] - {body})
        step = Round(body, variables)
        outer.loops.setdefault(body, Rounds()).add(step)
        self._open.append(step)

    def failed(self, error: BaseException) -> ExprError:
        position, explained = self.explain(error)
        piece = self.pieces.at.get(position)
        if piece is not None:
            outcomes = self._round(self.pieces.around[piece]).outcomes
            # A piece may have a value that the piece around it cannot use: the error replaces the value.
            if piece not in outcomes or outcomes[piece].error is None:
                outcomes[piece] = Outcome(error=explained)
        return explained

    def _round(self, loops: frozenset[int]) -> Round:
        """The innermost open round of these loops. Rounds of other loops are over, however they ended."""
        while (body := self._open[-1].body) is not None and body not in loops:
            self._open.pop()
        return self._open[-1]


class Witness(Generator):
    """A generator whose code reports to a `Record` under the names `_saw`, `_stepped` and `_failed`."""

    def __init__(
        self, pieces: Pieces, text: str, environment: Environment, handlers: Mapping[type[Node], Handler]
    ) -> None:
        super().__init__(text, environment, handlers)
        self.pieces = pieces

    def watched(self, node: Node, value: Value) -> Value:
        number = self.pieces.of.get(id(node))
        if number is None:
            return value
        if value.is_known:
            self.pieces.known[number] = value.constant
            return value
        # The depth must not change: it decides where pieces become statements, and so the order of errors.
        value.node, value.plain = emit.call("_saw", emit.constant(number), value.node), None
        emit.locate([value.node], node.anchor, node.end)
        return value

    def stepped(self, body: Node, variables: Sequence[str]) -> list[py.stmt]:
        report = emit.call("_stepped", emit.constant(self.pieces.number(body)), *map(emit.name, variables))
        return [emit.statement(report)]

    def caught(self, error: str) -> list[py.stmt]:
        return [emit.statement(emit.call("_failed", emit.name(error)))]
