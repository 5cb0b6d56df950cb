"""A second check of generated code: whatever the generator does, its code may contain only what is listed here.

Every program is checked before it is linked, so that a mistake in the generator becomes a refusal and not a wrong
result or a security hole.
"""

import _ast as py
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from octo.expr.generate.generator import Generated
from octo.expr.scope import Scope

# The syntax that generated code may have, and where each piece holds further pieces.
_PARTS: Final[dict[type[py.AST], tuple[str, ...]]] = {
    py.Module: ("body",),
    py.FunctionDef: ("args", "body"),
    py.arguments: ("args",),
    py.arg: (),
    py.Return: ("value",),
    py.Nonlocal: (),
    py.Expr: ("value",),
    py.Assign: ("targets", "value"),
    py.AugAssign: ("target", "op", "value"),
    py.NamedExpr: ("target", "value"),
    py.If: ("test", "body", "orelse"),
    py.IfExp: ("test", "body", "orelse"),
    py.For: ("target", "iter", "body", "orelse"),
    py.Break: (),
    py.Continue: (),
    py.Try: ("body", "handlers", "orelse", "finalbody"),
    py.ExceptHandler: ("type", "body"),
    py.Raise: ("exc", "cause"),
    py.Constant: (),
    py.Name: (),
    py.Attribute: ("value",),
    py.Subscript: ("value", "slice"),
    py.Starred: ("value",),
    py.List: ("elts",),
    py.Tuple: ("elts",),
    py.Dict: ("keys", "values"),
    py.Call: ("func", "args", "keywords"),
    py.Compare: ("left", "ops", "comparators"),
    py.BoolOp: ("op", "values"),
    py.BinOp: ("left", "op", "right"),
    py.UnaryOp: ("op", "operand"),
    **dict.fromkeys(
        (py.And, py.Or, py.Not, py.USub, py.Add, py.Sub, py.Mult, py.Div, py.FloorDiv, py.Is, py.IsNot, py.In), ()
    ),
    **dict.fromkeys((py.Eq, py.NotEq, py.Lt, py.LtE, py.Gt, py.GtE), ()),
}
_CONSTANTS = frozenset((str, int, float, bool, bytes, type(None)))
_ATTRIBUTES = frozenset(("__class__", "append", "present", "value", "startswith", "endswith"))
_COUNTERS = frozenset(("space",))


def violations(generated: Generated, scope: Scope, builtins: Iterable[str]) -> list[str]:
    """What generated code contains but may not; empty when all is well."""
    given = {*builtins, *scope.parameters, *scope.globals, *generated.constants, *_COUNTERS, "_failure"}
    attributes = _attributes_of(scope)
    made: set[str] = set()
    used: set[str] = set()
    found: list[str] = []
    pending: list[py.AST] = [generated.module]
    while pending:
        node = pending.pop()
        cls = type(node)
        parts = _PARTS.get(cls)
        if parts is None:
            found.append(f"the syntax {cls.__name__}")
            continue
        if isinstance(node, py.Name):
            (made if isinstance(node.ctx, py.Store) else used).add(node.id)
        elif isinstance(node, py.Attribute) and node.attr not in attributes:
            found.append(f"the attribute {node.attr}")
        elif isinstance(node, py.Constant) and type(node.value) not in _CONSTANTS:
            found.append(f"a constant {type(node.value).__name__}")
        elif isinstance(node, (py.FunctionDef, py.ExceptHandler)) and node.name:
            made.add(node.name)
        for part in parts:
            child = getattr(node, part)
            if child.__class__ is list:
                pending += child
            elif child is not None:
                pending.append(child)
    found += [f"the name {name} is taken" for name in sorted(made & (given - _COUNTERS))]
    return found + [f"the name {name}" for name in sorted(used - made - given)]


@lru_cache(maxsize=256)
def _attributes_of(scope: Scope) -> frozenset[str]:
    """The attributes that code may read: ours, and those in the sources of the scope, which we wrote too."""
    from ast import parse, walk

    trees = (parse(source, mode="eval") for source in scope.variables.values())
    return _ATTRIBUTES | {each.attr for tree in trees for each in walk(tree) if isinstance(each, py.Attribute)}
