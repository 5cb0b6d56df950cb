"""A second check of generated code: whatever the generator does, its code may contain only what is listed here.

Nothing at run time needs it. The tests and the fuzzer check every translation with it, so that a mistake in the
generator is found before it becomes a security hole.
"""

import _ast as py
from collections.abc import Iterator

from octo.expr.generate.generator import Generated
from octo.expr.scope import Scope

_ALLOWED: frozenset[type[py.AST]] = frozenset(
    (
        *(py.Module, py.FunctionDef, py.arguments, py.arg, py.Return, py.Nonlocal, py.Expr, py.Load, py.Store),
        *(py.Assign, py.AugAssign, py.NamedExpr, py.If, py.IfExp, py.For, py.Break, py.Continue),
        *(py.Try, py.ExceptHandler, py.Raise, py.Constant, py.Name, py.Attribute, py.Subscript, py.Starred),
        *(py.List, py.Tuple, py.Dict, py.Call, py.Compare, py.BoolOp, py.BinOp, py.UnaryOp),
        *(py.And, py.Or, py.Not, py.USub, py.Add, py.Sub, py.Mult, py.Div, py.Is, py.IsNot, py.In),
        *(py.Eq, py.NotEq, py.Lt, py.LtE, py.Gt, py.GtE),
    )
)
_CONSTANTS = frozenset((str, int, float, bool, bytes, type(None)))
_ATTRIBUTES = frozenset(("__class__", "append", "present", "value", "startswith", "endswith"))


def violations(generated: Generated, scope: Scope, builtins: frozenset[str]) -> list[str]:
    """What generated code contains but may not; empty when all is well."""
    given = {*builtins, *scope.parameters, *scope.globals, *generated.constants, "_failure", "budget", "space"}
    nodes = list(_walk(generated.module))
    made = {each.id for each in nodes if isinstance(each, py.Name) and isinstance(each.ctx, py.Store)}
    made |= {each.name for each in nodes if isinstance(each, py.FunctionDef)}
    made |= {each.name for each in nodes if isinstance(each, py.ExceptHandler) and each.name}
    attributes = _ATTRIBUTES | _attributes_of(scope)
    found = [f"the name {name} is taken" for name in made & given - {"budget", "space"}]
    return found + [problem for each in nodes if (problem := _problem(each, made | given, attributes))]


def _problem(node: py.AST, names: set[str], attributes: frozenset[str]) -> str:
    if type(node) not in _ALLOWED:
        return f"the syntax {type(node).__name__}"
    if isinstance(node, py.Name) and node.id not in names:
        return f"the name {node.id}"
    if isinstance(node, py.Attribute) and node.attr not in attributes:
        return f"the attribute {node.attr}"
    if isinstance(node, py.Constant) and type(node.value) not in _CONSTANTS:
        return f"a constant {type(node.value).__name__}"
    if isinstance(node, py.Call) and node.keywords:
        return "keyword arguments"
    return ""


def _attributes_of(scope: Scope) -> frozenset[str]:
    """The attributes that the sources of a scope read. They are allowed: we wrote them."""
    from ast import parse, walk

    trees = (parse(source, mode="eval") for source in scope.variables.values())
    return frozenset(each.attr for tree in trees for each in walk(tree) if isinstance(each, py.Attribute))


def _walk(node: py.AST) -> Iterator[py.AST]:
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        for field in node._fields:
            value = getattr(node, field, None)
            pending += [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, py.AST)]
