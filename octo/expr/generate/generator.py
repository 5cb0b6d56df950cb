"""A whole translation: a syntax tree in, the code of a Python function out."""

import _ast as py
from builtins import compile as compile_python
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Final, NamedTuple

from octo.expr import nodes
from octo.expr.environment import Environment
from octo.expr.errors import UNDECLARED_FUNCTION, UNDECLARED_NAME, ExprError
from octo.expr.generate import calls, emit, logic, loops, names, operators
from octo.expr.generate.core import Generator, Handler, Selection, Value
from octo.expr.nodes import Node, called

FILE: Final = "<cel>"
SPACE: Final = "space"
"""What is left of the budget. As a parameter, it makes the expression a part of a larger one: it goes on with what that
has left, and returns what is left then beside its value."""
MAX_JSON_LOOPS: Final = 3
"""With more loops than this, a result may repeat parts so often that `settle` must count its size as JSON."""

_LINEAR: Final = frozenset(("+", "==", "!=", "in"))
_HANDLERS: Final[dict[type[Node], Handler]] = {
    nodes.Literal: names.literal,
    nodes.Name: names.name,
    nodes.Select: names.select,
    nodes.Has: names.has,
    nodes.Index: names.index,
    nodes.ListNode: names.make_list,
    nodes.MapNode: names.make_map,
    nodes.Call: calls.call,
    nodes.Unary: operators.unary,
    nodes.Binary: operators.binary,
    nodes.Logic: logic.logic,
    nodes.Conditional: logic.conditional,
    nodes.Loop: loops.loop,
    nodes.Bind: loops.bind,
    nodes.OptionalMap: loops.optional_map,
    loops._Known: loops.known,  # noqa: SLF001 - a node that never leaves the generator
}

FEW: Final = 16
"""At most so many calls, sums and comparisons need not be charged where they are not repeated: each is linear."""

Make = Callable[[str, Environment, Mapping[type[Node], Handler]], Generator]


class Generated(NamedTuple):
    """A translated expression: the code of its function, and what is known about its value."""

    module: py.Module
    value: Value
    constants: dict[str, object]
    selections: dict[tuple[int, int], Selection]
    names: frozenset[str]
    is_pure: bool
    dropped: tuple[int, ...] = ()

    def compile(self) -> CodeType:
        return compile_python(self.module, FILE, "exec")


def _work(tree: Node) -> int:
    """How many pieces of the expression can take time in proportion to their data."""
    total, pending = 0, [tree]
    while pending:
        node = pending.pop()
        total += isinstance(node, nodes.Call) or (isinstance(node, nodes.Binary) and node.operator in _LINEAR)
        pending += nodes.children(node)
    return total


def generate(text: str, tree: Node, environment: Environment, make: Make = Generator) -> Generated:
    """Translate `tree`. Raises ExprError for anything that is wrong before it runs."""
    generator = make(text, environment, _HANDLERS)
    if _work(tree) > FEW:
        generator.repeats = 1
    try:
        value = generator.value(tree)
    except ExprError as error:
        if error.code in {UNDECLARED_NAME, UNDECLARED_FUNCTION} and environment.extend(called(tree)):
            return generate(text, tree, environment, make)
        raise
    if generator.loops > MAX_JSON_LOOPS and value.kind in {"dyn", "list", "map"}:
        value.is_settled = False
    first = [emit.assign(variable, source) for variable, source in generator.first.values()]
    is_part = SPACE in environment.scope.parameters
    result = emit.tuple_of(value.node, emit.name(SPACE)) if is_part else value.node
    body = [*first, *generator.block, emit.returning(result)]
    if generator.meters and not is_part:
        body = [*loops.meters(), *body]
    failure = emit.call("_failure", emit.name("error"))
    # A part leaves it to the whole to say that the budget is spent.
    guarded = emit.attempt(body, "error", [emit.fail(failure)], "Exception" if is_part else "_stopped")
    definition = emit.function("expression", environment.scope.parameters, [guarded])
    emit.locate([definition], 0, len(text))
    return Generated(
        py.Module(body=[definition], type_ignores=[]),
        value,
        generator.constants,
        generator.selections,
        frozenset(generator.names),
        generator.is_pure,
        tuple(sorted(generator.dropped)),
    )
