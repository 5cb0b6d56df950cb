"""Macros: has, map, filter and the others look like calls, but become nodes of their own."""

from collections.abc import Callable

from octo.expr.errors import BAD_MACRO, ExprError
from octo.expr.nodes import Bind, Call, Has, Literal, Loop, LoopKind, Name, Node, OptionalMap, Select

# Macros that loop: name -> (kind of loop, numbers of arguments with one variable, with two variables)
_LOOPS: dict[str, tuple[LoopKind, frozenset[int], frozenset[int]]] = {
    "all": ("all", frozenset((2,)), frozenset((3,))),
    "exists": ("exists", frozenset((2,)), frozenset((3,))),
    "exists_one": ("exists_one", frozenset((2,)), frozenset((3,))),
    "existsOne": ("exists_one", frozenset((2,)), frozenset((3,))),
    "filter": ("map", frozenset((2,)), frozenset()),
    "map": ("map", frozenset((2, 3)), frozenset()),
    "sortBy": ("sort_by", frozenset((2,)), frozenset()),
    "groupBy": ("group_by", frozenset((2,)), frozenset()),
    "transformList": ("map", frozenset(), frozenset((3, 4))),
    "transformMap": ("transform_map", frozenset(), frozenset((3, 4))),
    "transformMapEntry": ("transform_map_entry", frozenset(), frozenset((3, 4))),
}

USAGE = {
    "has": "has(x.field)",
    "all": "x.all(item, condition)",
    "exists": "x.exists(item, condition)",
    "exists_one": "x.exists_one(item, condition)",
    "existsOne": "x.existsOne(item, condition)",
    "filter": "x.filter(item, condition)",
    "map": "x.map(item, value), or x.map(item, condition, value)",
    "sortBy": "x.sortBy(item, key)",
    "groupBy": "x.groupBy(item, key)",
    "transformList": "x.transformList(index, item, value)",
    "transformMap": "x.transformMap(key, item, value)",
    "transformMapEntry": "x.transformMapEntry(key, item, {key: value})",
    "optMap": "x.optMap(item, value)",
    "optFlatMap": "x.optFlatMap(item, optional)",
    "bind": "cel.bind(name, value, expression)",
}


def expand(call: Call) -> Node | None:
    """The node that a macro call stands for, or None when `call` is an ordinary call."""
    expander = _MACROS.get(call.name)
    return expander(call) if expander is not None else None


def _has(call: Call) -> Node | None:
    if call.target is not None:
        return None
    argument = call.arguments[0] if len(call.arguments) == 1 else None
    if not isinstance(argument, Select) or argument.optional:
        raise _misused(call.name)
    return Has(call.start, call.end, argument)


def _loop(call: Call) -> Node | None:
    if call.target is None:
        return None
    kind, one, two = _LOOPS[call.name]
    count = len(call.arguments)
    variables = 2 if count in two else 1 if count in one else 0
    if not variables:
        raise _misused(call.name)
    first = _variable(call, 0)
    second = _variable(call, 1) if variables == 2 else None
    if first == second:
        raise ExprError(BAD_MACRO, f"both variables of {call.name} are called '{first}'")
    *conditions, body = call.arguments[variables:]
    condition = conditions[0] if conditions else None
    if call.name == "filter":
        condition, body = body, Name(body.start, body.end, first)
    return Loop(call.start, call.end, kind, call.name, call.target, first, second, condition, body)


def _bind(call: Call) -> Node | None:
    if not (isinstance(call.target, Name) and call.target.name == "cel"):
        return None
    if len(call.arguments) != 3:
        raise _misused(call.name)
    return Bind(call.start, call.end, _variable(call, 0), call.arguments[1], call.arguments[2])


def _optional_map(call: Call) -> Node | None:
    if call.target is None:
        return None
    if len(call.arguments) != 2:
        raise _misused(call.name)
    flat = call.name == "optFlatMap"
    return OptionalMap(call.start, call.end, call.target, _variable(call, 0), call.arguments[1], flat)


def _variable(call: Call, index: int) -> str:
    argument = call.arguments[index]
    if isinstance(argument, Name) and not argument.absolute:
        return argument.name
    what = "a literal" if isinstance(argument, Literal) else "an expression"
    raise ExprError(
        BAD_MACRO,
        f"argument {index + 1} of {call.name} must be a plain name for the variable, found {what}",
        hint=f"Write {USAGE[call.name]}",
    )


def _misused(name: str) -> ExprError:
    return ExprError(BAD_MACRO, f"wrong use of the macro {name}", hint=f"Write {USAGE[name]}")


_MACROS: dict[str, Callable[[Call], Node | None]] = {
    "has": _has,
    **dict.fromkeys(_LOOPS, _loop),
    "bind": _bind,
    "optMap": _optional_map,
    "optFlatMap": _optional_map,
}
