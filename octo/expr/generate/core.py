"""The state of one translation, and the tools that every part of it uses."""

import _ast as py
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from octo.expr.cost import CHARACTERS, WEIGHTS
from octo.expr.environment import Environment
from octo.expr.errors import TYPE_CLASH, ExprError
from octo.expr.generate import emit
from octo.expr.generate.value import UNKNOWN, Path, Value
from octo.expr.nodes import Node
from octo.expr.values import kind_of

MAX_NODE_DEPTH: Final = 24
MAX_BLOCKS: Final = 12
"""Python allows 20 nested loops and try blocks in one function; beyond this many we start a new function."""

_PLAIN: Final = frozenset((str, int, float, bool, bytes, type(None)))
SMALL: Final = frozenset(("bool", "int", "uint", "double", "null", "timestamp", "duration", "type"))
_SETTLED_KINDS: Final = frozenset(("null", "bool", "int", "double", "string", "bytes", "timestamp", "duration"))

Handler = Callable[["Generator", Any], Value]


class Selection(NamedTuple):
    """What the message about a failed selection needs: the operand if it is simple, and the key if it is known."""

    path: Path | None
    key: str | int | None


class Local(NamedTuple):
    """A variable of a macro. `error`, if not empty, names the Python variable that holds the error of its value."""

    name: str
    kind: str = "dyn"
    is_settled: bool = False
    error: str = ""
    made: bool = False


class Generator:
    """Turns nodes into Python: `value(node)` returns an expression and may add statements to `block`."""

    def __init__(self, text: str, environment: Environment, handlers: Mapping[type[Node], Handler]) -> None:
        self.text = text
        self.environment = environment
        self.handlers = handlers
        self.block: list[py.stmt] = []
        self.first: dict[str, tuple[str, py.expr]] = {}
        self.locals: dict[str, Local] = {}
        self.constants: dict[str, object] = {}
        self.selections: dict[tuple[int, int], Selection] = {}
        self.names: set[str] = set()
        self.dropped: set[int] = set()
        """Where an integer division may drop a remainder, and the author does not say `int(...)` around it."""
        self.is_pure = True
        self.meters = False
        self.loops = 0
        self.repeats = 0
        """How many loops and bindings surround the current piece: what is read and built inside them can add up."""
        self.rounds = 0
        """How many loops surround the current piece."""
        self.mentions: dict[str, tuple[int, list[tuple[str | int, ...]]]] = {}
        """For each variable of a macro: how many loops surround it, and which parts of it became parts of others."""
        self.outer: list[set[Path]] = []
        """For each loop: what its rounds take from outside as parts of their values. See `sharing`."""
        self.uncharged: dict[int, tuple[py.expr, py.expr]] = {}
        """For the id of a node that `metered` made: that node, so that the id stays its own, and what is inside."""
        self.blocks = 0
        self._count = 0

    def value(self, node: Node) -> Value:
        block, count = self.block, len(self.block)
        try:
            result = self.handlers[type(node)](self, node)
        except ExprError as error:
            if self.environment.scope.checked:
                raise
            del block[count:]
            facts = (error.code, error.message, error.hint)
            result = Value(emit.call("_fail", *map(emit.constant, facts)), fallible=True)
        if result.depth > MAX_NODE_DEPTH:
            result = self.keep(result)
        emit.locate((result.node, *block[count:]), node.anchor, node.end)
        return self.watched(node, result).sharing(result)

    # -- hooks for generators whose code reports

    def watched(self, node: Node, value: Value) -> Value:
        """The value of `node`. A generator whose code reports wraps it here."""
        del node
        return value

    def stepped(self, body: Node, variables: Sequence[str]) -> list[py.stmt]:
        """Statements to run before each round of the loop with this body."""
        del body, variables
        return []

    def caught(self, error: str) -> list[py.stmt]:
        """Statements to run where an error is caught that may be dropped later."""
        del error
        return []

    # -- statements

    # Invariant: generated names never meet. A variable of the author's is `v_NAME_1`, a held value `k_NAME_1`, names of
    # our own have other stems, and builtins, globals and parameters do not end in a number.

    def temporary(self, stem: str = "t") -> str:
        self._count += 1
        return f"{stem}_{self._count}"

    def variable(self, name: str) -> str:
        """The Python name of a variable that a macro of the author declares."""
        return self.temporary(f"v_{name}")

    def keep(self, value: Value) -> Value:
        """The same value, read from a variable."""
        variable = self.temporary()
        self.block.append(emit.assign(variable, value.node))
        kept = Value(emit.name(variable), value.kind, False, value.is_settled, path=value.path, hidden=value.hidden)
        return kept.sharing(value).of(value)

    def once(self, declared: str, tree: py.expr) -> str:
        """The variable that holds what a declared name comes to: it is computed once, before all else.

        So `now == now` is true: an evaluation has one moment.
        """
        if declared not in self.first:
            self.first[declared] = (self.temporary(), tree)
        return self.first[declared][0]

    def captured(self, node: Node, blocks: int = 0) -> tuple[list[py.stmt], Value]:
        """The value of `node`, and its statements separately: they run only where the caller puts them.

        `blocks` is the number of loops and try blocks that the caller wraps around them.
        """
        outer, outer_blocks = self.block, self.blocks
        self.block, self.blocks = [], self.blocks + blocks
        try:
            if self.blocks > MAX_BLOCKS:
                return self._outlined(node)
            value = self.value(node)
            return self.block, value
        finally:
            self.block, self.blocks = outer, outer_blocks

    def _outlined(self, node: Node) -> tuple[list[py.stmt], Value]:
        """The value of `node` as a call of a function of its own."""
        self.blocks = 0
        value = self.value(node)
        part = self.temporary("part")
        self.meters = True
        body = [py.Nonlocal(names=["space"]), *self.block, emit.returning(value.node)]
        called = Value(emit.call(part), value.kind, True, value.is_settled, hidden=value.hidden)
        return [emit.function(part, (), body)], called.sharing(value).of(value)

    @contextmanager
    def scope(self, variables: Mapping[str, Local], repeats: int = 1, rounds: int = 0) -> Iterator[set[Path]]:
        """A context in which the variables of a macro are known and costs are metered."""
        outer = self.locals
        self.locals = {**outer, **variables}
        self.repeats += repeats
        self.rounds += rounds
        self.mentions.update({each.name: (self.rounds, []) for each in variables.values()})
        found: set[Path] = set()
        self.outer += [found] * rounds
        try:
            yield found
        finally:
            self.locals = outer
            self.repeats -= repeats
            self.rounds -= rounds
            del self.outer[len(self.outer) - rounds :]

    # -- expressions

    def literal(self, value: Any, kind: str = "") -> Value:
        """A value that is known when the expression is built."""
        kind = kind or kind_of(value)
        node = emit.constant(value) if value.__class__ in _PLAIN else emit.name(self.hold(value))
        is_finite = value.__class__ is not float or value - value == 0.0
        return Value(node, kind, is_settled=kind in _SETTLED_KINDS and is_finite, constant=value)

    def hold(self, value: object, stem: str = "constant") -> str:
        """The name of a global that holds `value`."""
        for name, held in self.constants.items():
            if held is value:
                return name
        name = f"k_{stem}_{len(self.constants)}"
        self.constants[name] = value
        return name

    def twice(self, value: Value) -> tuple[py.expr, py.expr]:
        """The Python expression for the first use in evaluation order, and the one for all later uses."""
        if value.is_simple:
            return value.node, value.node
        variable = self.temporary()
        return emit.walrus(variable, value.node), emit.name(variable)

    def metered(self, node: py.expr, function: str = "_weight") -> py.expr:
        """`node`, charged for the size of its value where it can be evaluated repeatedly."""
        if not self.repeats:
            return node
        charged = self.weighed(node, function)
        self.uncharged[id(charged)] = charged, node
        return charged

    def operand(self, value: Value) -> Value:
        """An operand of a sum, without the charge for its size if it is a sum: it is a part of the new one for which
        that is charged.
        """
        value.node = self.uncharged.get(id(value.node), (value.node, value.node))[1]
        return value

    def weighed(self, node: py.expr, function: str, kind: str = "dyn") -> py.expr:
        """`node`, charged for what `function` says its value costs. kind: that of the value, if it is proven."""
        variable = self.temporary()
        first = emit.walrus(variable, node)
        if function == "_size":
            found = look(first, emit.name(variable), kind, function)
        elif function == "_weight" and kind in WEIGHTS:
            found = emit.call("len", first)
            if WEIGHTS[kind] > 1:
                found = emit.binary(found, "*", emit.constant(WEIGHTS[kind]))
        else:
            found = emit.call(function, first)
        return emit.choose(self._spent(found), emit.name(variable), emit.call("_exhausted"))

    def charged(self, node: py.expr, *scanned: Value) -> py.expr:
        """`node`, charged first for the values it looks through, where it can be evaluated repeatedly."""
        costly = [each for each in scanned if not each.is_known and each.kind not in SMALL]
        if not self.repeats or not costly:
            return node
        return self.paid(node, *[emit.call("_scan", each.node) for each in costly])

    def paid(self, node: py.expr, *costs: py.expr) -> py.expr:
        """`node`, charged first for these costs."""
        return emit.choose(self._spent(*costs), node, emit.call("_exhausted"))

    def _spent(self, *costs: py.expr) -> py.expr:
        """Take the costs from what is left. Whether there was enough.

        Invariant: what is left is read after the costs, because to find them may cost something too: they may be those
        of a value that is computed there.
        """
        self.meters = True
        total = costs[0]
        for each in costs[1:]:
            total = emit.binary(total, "+", each)
        left = emit.binary(py.UnaryOp(op=py.USub(), operand=total), "+", emit.name("space"))
        return emit.compare(emit.walrus("space", left), ">=", emit.constant(0))

    # -- errors

    def error(self, code: str, message: str, offset: int, hint: str = "") -> ExprError:
        return ExprError(code, message, hint=hint).locate(self.text, offset)

    def clash(self, message: str, offset: int, hint: str = "") -> ExprError:
        return self.error(TYPE_CLASH, message, offset, hint)


def look(first: py.expr, later: py.expr, kind: str, otherwise: str, times: int = 1) -> py.expr:
    """What so many looks at a value cost: inline for a text, else what the function `otherwise` says."""

    def characters(text: py.expr) -> py.expr:
        length = emit.call("len", text)
        length = length if times == 1 else emit.binary(emit.constant(times), "*", length)
        return emit.binary(length, "//", emit.constant(CHARACTERS))

    if kind == "string":
        return characters(first)
    more = () if times == 1 else (emit.constant(times),)
    if kind != "dyn":
        return emit.call(otherwise, first, *more)
    return emit.choose(emit.is_class(first, "str"), characters(later), emit.call(otherwise, later, *more))


def deeper(*values: Value, by: int = 1) -> int:
    return by + max(value.depth for value in values)


def merged(*values: Value) -> tuple[str, bool, bool]:
    """The kind of a value that is one of these, whether it can fail, and whether it is settled."""
    kinds = {value.kind for value in values}
    return (
        kinds.pop() if len(kinds) == 1 else "dyn",
        any(value.fallible for value in values),
        all(value.is_settled for value in values),
    )


__all__ = ["UNKNOWN", "Generator", "Handler", "Local", "Selection", "Value", "deeper", "merged"]
