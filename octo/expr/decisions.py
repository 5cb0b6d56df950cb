"""Programs that report which way their decisions went, for coverage."""

from bisect import bisect_left
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from octo.expr.environment import environment
from octo.expr.errors import ExprError
from octo.expr.generate import generate
from octo.expr.generate.decisions import Deciding, Decisive, Kind
from octo.expr.lexer import Token, tokens
from octo.expr.nodes import Node
from octo.expr.parser import parse
from octo.expr.program import Program, link


class Decision(NamedTuple):
    """A piece of an expression that can come out true or false, and the `line` and `column` where it begins.

    kind: `?:` for a condition, `&&` or `||` for such an operation or one of its operands, `whole` for the expression.
    """

    kind: Kind
    text: str
    line: int
    column: int


Seen = Callable[[int, bool], object]


class Watched(Program):
    """The same program; its function reports each decision it takes. What it returns or raises stays the same.

    points: the decisions that can go both ways, in the order of the text.
    program: the original, which reports nothing.
    """

    __slots__ = ("points", "program")

    def __init__(self, program: Program, seen: Seen, *, whole: bool = False) -> None:
        for name in Program.__slots__:
            if name != "__weakref__":
                setattr(self, name, getattr(program, name))
        self.program = program
        self.points: list[Decision] = []
        try:
            self._watch(seen, whole)
        except (ExprError, RecursionError, MemoryError):
            self.points = []  # too large for Python once calls surround its pieces: it runs without reporting

    def _watch(self, seen: Seen, whole: bool) -> None:
        tree = parse(self.text)
        decisive = Decisive(tree, whole=whole)
        generated = generate(self.text, tree, environment(self.scope), partial(Deciding, decisive))
        numbers = {number: index for index, number in enumerate(sorted(decisive.open))}
        if not numbers:
            return

        def decided(number: int, value: object) -> object:
            if value is True or value is False:
                seen(numbers[number], value)
            return value

        self.function = link(self.text, self.scope, generated, _decided=decided)
        found = tokens(self.text)
        starts = [token.start for token in found]
        pieces = [decisive.pieces[number] for number in numbers]
        self.points = [self._point(kind, *_span(found, starts, node)) for kind, node in pieces]

    def _point(self, kind: Kind, start: int, end: int) -> Decision:
        before = self.text[:start]
        text = " ".join(self.text[start:end].split())
        return Decision(kind, text, before.count("\n") + 1, start - before.rfind("\n"))


def _span(found: list[Token], starts: list[int], node: Node) -> tuple[int, int]:
    """Where a piece begins and ends, including the parentheses around its first and last part: a node omits them."""
    first, last = bisect_left(starts, node.start), bisect_left(starts, node.end)
    depth = lowest = 0
    for token in found[first:last]:
        depth += (token.kind == "(") - (token.kind == ")")
        lowest = min(lowest, depth)
    return found[first + lowest].start, found[last - 1 + depth - lowest].end


def watch(program: Program, seen: Seen, *, whole: bool = False) -> Watched:
    """The program, which now calls `seen(index, value)` whenever one of its `points` is decided.

    whole: the value of the whole expression counts as a decision too, as it does for a condition.
    """
    plain = program.program if isinstance(program, Watched) else program
    return Watched(plain, seen, whole=whole)
