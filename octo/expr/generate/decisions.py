"""Code that reports which way each decision of an expression went.

It is the usual translation with a call around each piece that decides, so that results and errors stay the same.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from octo.expr.environment import Environment
from octo.expr.generate import emit
from octo.expr.generate.core import Generator, Handler, Value
from octo.expr.nodes import Conditional, Logic, Node, children

Kind = Literal["whole", "?:", "&&", "||"]


class Decisive:
    """The pieces of an expression that decide: conditions of `?:`, operands of `&&` and `||`, and these operations.

    whole: whether the value of the expression is itself a decision, as in a filter.
    open: the numbers of those that can go both ways, filled while code is generated. A literal cannot.
    """

    def __init__(self, tree: Node, *, whole: bool) -> None:
        self._keep = tree  # pieces are numbered by the id() of their node, so all nodes must stay alive
        found: dict[int, tuple[Kind, Node]] = {id(tree): ("whole", tree)} if whole else {}
        for kind, node in _roles(tree):
            found.setdefault(id(node), (kind, node))
        self.pieces = sorted(found.values(), key=_place)
        self.numbers = {id(node): number for number, (_, node) in enumerate(self.pieces)}
        self.open: set[int] = set()


def _roles(tree: Node) -> Iterator[tuple[Kind, Node]]:
    """What each piece decides, outermost role first: an `a && b` before `?` is first of all a condition."""
    pending = [tree]
    while pending:
        node = pending.pop()
        pending += children(node)
        if isinstance(node, Conditional):
            yield "?:", node.condition
        elif isinstance(node, Logic):
            kind: Kind = "&&" if node.operator == "&&" else "||"
            yield kind, node
            yield from ((kind, operand) for operand in node.operands)


def _place(piece: tuple[Kind, Node]) -> tuple[int, int]:
    return piece[1].start, -piece[1].end


class Deciding(Generator):
    """A generator whose code calls `_decided(number, value)` with the value of each piece that decides."""

    def __init__(
        self, decisive: Decisive, text: str, environment: Environment, handlers: Mapping[type[Node], Handler]
    ) -> None:
        super().__init__(text, environment, handlers)
        self.decisive = decisive

    def watched(self, node: Node, value: Value) -> Value:
        number = self.decisive.numbers.get(id(node))
        if number is None or value.is_known:
            return value
        self.decisive.open.add(number)
        # The depth must not change: it decides where pieces become statements, and so the order of errors.
        value.node, value.plain = emit.call("_decided", emit.constant(number), value.node), None
        emit.locate([value.node], node.anchor, node.end)
        return value
