"""Macros: has, map, filter and the others look like calls, but become nodes of their own."""

from collections.abc import Callable
from typing import NamedTuple

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


class Macro(NamedTuple):
    """usage: how it is written. doc: what it is. examples: expressions that are true."""

    usage: str
    doc: str
    examples: tuple[str, ...]


MACROS = {
    "has": Macro(
        "has(x.field)",
        "Whether the map has the field. What has no fields, such as null or a text, has none.",
        ('has({"a": 1}.a)', '!has({"a": 1}.b)'),
    ),
    "all": Macro(
        "x.all(item, condition)",
        "Whether the condition is true of every element, or of every key of a map; with two names also of what belongs "
        "to it: x.all(key, item, condition).",
        ("[1, 2].all(i, i > 0)", '{"a": 1}.all(k, v, v == 1)'),
    ),
    "exists": Macro(
        "x.exists(item, condition)",
        "Whether the condition is true of at least one element, or key of a map.",
        ("[1, 2].exists(i, i > 1)",),
    ),
    "exists_one": Macro(
        "x.exists_one(item, condition)",
        "Whether the condition is true of exactly one element, or key of a map.",
        ("[1, 2].exists_one(i, i > 1)",),
    ),
    "existsOne": Macro(
        "x.existsOne(item, condition)",
        "Another name of exists_one.",
        ("[1, 2].existsOne(i, i > 1)",),
    ),
    "filter": Macro(
        "x.filter(item, condition)",
        "The list of the elements, or keys of a map, of which the condition is true.",
        ("[1, 2, 3].filter(i, i > 1) == [2, 3]",),
    ),
    "map": Macro(
        "x.map(item, value), or x.map(item, condition, value)",
        "The list of what the value is for each element, or key of a map; with a condition only for those of which it "
        "is true.",
        ("[1, 2].map(i, i * 2) == [2, 4]", "[1, 2, 3].map(i, i > 1, i * 2) == [4, 6]"),
    ),
    "sortBy": Macro(
        "x.sortBy(item, key)",
        "The elements in ascending order of their keys; all keys must be of one comparable type.",
        (
            '[{"n": 2}, {"n": 1}].sortBy(i, i.n) == [{"n": 1}, {"n": 2}]',
            "[1, 3, 2].sortBy(i, -i) == [3, 2, 1]",
        ),
    ),
    "groupBy": Macro(
        "x.groupBy(item, key)",
        "A map with a list of the elements for each key, in the order of the first. A key is a string, a whole number "
        "or a bool.",
        (
            '["ab", "c", "d"].groupBy(i, size(i)) == {2: ["ab"], 1: ["c", "d"]}',
            '["ab", "c", "d"].groupBy(i, size(i)).transformMap(n, all, size(all)) == {2: 1, 1: 2}',
        ),
    ),
    "transformList": Macro(
        "x.transformList(index, item, value)",
        "The list of what the value is for each element and its position, or each entry of a map; with a condition "
        "before the value only for those of which it is true.",
        ('["a", "b"].transformList(n, i, string(n) + i) == ["0a", "1b"]',),
    ),
    "transformMap": Macro(
        "x.transformMap(key, item, value)",
        "A map with the same keys and other values; with a condition before the value only of the entries of which it "
        "is true.",
        ('{"a": 1, "b": 2}.transformMap(k, v, v * 10) == {"a": 10, "b": 20}',),
    ),
    "transformMapEntry": Macro(
        "x.transformMapEntry(key, item, {key: value})",
        "A map of the entries that are made of each entry of a map, or of each position and element of a list. No key "
        "may come twice.",
        ('[{"id": "a", "n": 1}].transformMapEntry(n, i, {i.id: i.n}) == {"a": 1}',),
    ),
    "optMap": Macro(
        "x.optMap(item, value)",
        "An optional of what the value is for the value of an optional; none if there is none.",
        ('{"a": 1}.?a.optMap(i, i + 1).orValue(0) == 2', '{"a": 1}.?b.optMap(i, i + 1).orValue(0) == 0'),
    ),
    "optFlatMap": Macro(
        "x.optFlatMap(item, optional)",
        "The optional that is made of the value of an optional; none if there is none.",
        ('{"a": {"b": 1}}.?a.optFlatMap(i, i.?b).orValue(0) == 1',),
    ),
    "bind": Macro(
        "cel.bind(name, value, expression)",
        "The expression, in which the name stands for the value: it is computed once.",
        ("cel.bind(x, 2 + 3, x * x) == 25",),
    ),
}
USAGE = {name: each.usage for name, each in MACROS.items()}


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
