"""Short names for the Python syntax that the generator writes."""

import _ast as py
from collections.abc import Iterable, Sequence
from typing import Any

LOAD = py.Load()
STORE = py.Store()

OPERATORS: dict[str, Any] = {
    "+": py.Add,
    "-": py.Sub,
    "*": py.Mult,
    "/": py.Div,
    "//": py.FloorDiv,
    "==": py.Eq,
    "!=": py.NotEq,
    "<": py.Lt,
    "<=": py.LtE,
    ">": py.Gt,
    ">=": py.GtE,
    "is": py.Is,
    "is not": py.IsNot,
    "in": py.In,
}


def name(identifier: str) -> py.expr:
    return py.Name(id=identifier, ctx=LOAD)


def constant(value: Any) -> py.expr:
    return py.Constant(value=value)


def call(function: str | py.expr, *arguments: py.expr) -> py.expr:
    callee = name(function) if isinstance(function, str) else function
    return py.Call(func=callee, args=list(arguments), keywords=[])


def attribute(value: py.expr, field: str) -> py.expr:
    return py.Attribute(value=value, attr=field, ctx=LOAD)


def subscript(value: py.expr, key: py.expr) -> py.expr:
    return py.Subscript(value=value, slice=key, ctx=LOAD)


def tuple_of(*values: py.expr) -> py.expr:
    return py.Tuple(elts=list(values), ctx=LOAD)


def compare(left: py.expr, *rest: str | py.expr) -> py.expr:
    """`compare(a, "<", b, "<=", c)` is a < b <= c."""
    operators = [OPERATORS[str(symbol)]() for symbol in rest[::2]]
    return py.Compare(left=left, ops=operators, comparators=list(rest[1::2]))  # type: ignore[arg-type]


def binary(left: py.expr, symbol: str, right: py.expr) -> py.expr:
    return py.BinOp(left=left, op=OPERATORS[symbol](), right=right)


def both(*conditions: py.expr) -> py.expr:
    return conditions[0] if len(conditions) == 1 else py.BoolOp(op=py.And(), values=list(conditions))


def either(*conditions: py.expr) -> py.expr:
    return conditions[0] if len(conditions) == 1 else py.BoolOp(op=py.Or(), values=list(conditions))


def invert(condition: py.expr) -> py.expr:
    return py.UnaryOp(op=py.Not(), operand=condition)


def choose(condition: py.expr, then: py.expr, otherwise: py.expr) -> py.expr:
    return py.IfExp(test=condition, body=then, orelse=otherwise)


def walrus(target: str, value: py.expr) -> py.expr:
    return py.NamedExpr(target=py.Name(id=target, ctx=STORE), value=value)


def is_class(value: py.expr, cls: str) -> py.expr:
    """`value.__class__ is cls`."""
    return compare(attribute(value, "__class__"), "is", name(cls))


def is_bool(first: py.expr, later: py.expr) -> py.expr:
    return either(compare(first, "is", constant(True)), compare(later, "is", constant(False)))


def is_not_bool(first: py.expr, later: py.expr) -> py.expr:
    return both(compare(first, "is not", constant(True)), compare(later, "is not", constant(False)))


def assign(target: str, value: py.expr) -> py.stmt:
    return py.Assign(targets=[py.Name(id=target, ctx=STORE)], value=value)


def subtract(target: str, value: py.expr) -> py.stmt:
    return py.AugAssign(target=py.Name(id=target, ctx=STORE), op=py.Sub(), value=value)


def statement(value: py.expr) -> py.stmt:
    return py.Expr(value=value)


def when(condition: py.expr, then: Sequence[py.stmt], otherwise: Sequence[py.stmt] = ()) -> py.stmt:
    return py.If(test=condition, body=list(then), orelse=list(otherwise))


def each(target: py.expr, source: py.expr, body: Sequence[py.stmt]) -> py.stmt:
    return py.For(target=target, iter=source, body=list(body), orelse=[])


def targets(*names: str) -> py.expr:
    """One variable, or several unpacked, as the target of a loop."""
    stores: list[py.expr] = [py.Name(id=identifier, ctx=STORE) for identifier in names]
    return stores[0] if len(stores) == 1 else py.Tuple(elts=stores, ctx=STORE)


def attempt(body: Sequence[py.stmt], caught: str, handler: Sequence[py.stmt], errors: str = "Exception") -> py.stmt:
    """`try: body` / `except errors as caught: handler`; an empty `caught` leaves the name out."""
    handling = py.ExceptHandler(type=name(errors), name=caught or None, body=list(handler))
    return py.Try(body=list(body), handlers=[handling], orelse=[], finalbody=[])


def fail(error: py.expr) -> py.stmt:
    return py.Raise(exc=error, cause=None)


def returning(value: py.expr) -> py.stmt:
    return py.Return(value=value)


def function(identifier: str, parameters: Sequence[str], body: Sequence[py.stmt]) -> py.stmt:
    arguments = py.arguments(
        posonlyargs=[], args=[py.arg(arg=each) for each in parameters], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    definition: dict[str, Any] = {"name": identifier, "args": arguments, "body": list(body), "decorator_list": []}
    if "type_params" in py.FunctionDef._fields:  # Python 3.12
        definition["type_params"] = []
    return py.FunctionDef(**definition)


def locate(nodes: Iterable[py.AST], start: int, end: int) -> None:
    """Set the span in the CEL text on all new nodes. Older nodes already have the span of their own piece."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if "lineno" in node._attributes:  # noqa: SLF001 - documented, in spite of its name
            if hasattr(node, "lineno"):
                continue
            node.lineno = node.end_lineno = 1  # type: ignore[attr-defined]
            node.col_offset, node.end_col_offset = start, end  # type: ignore[attr-defined]
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, py.AST):
                pending.append(value)
            elif isinstance(value, list):
                pending.extend(child for child in value if isinstance(child, py.AST))
