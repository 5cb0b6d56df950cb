"""The shape of an expression's value, and what in the expression can never work.

Only what is certain is reported: a field that no value of the operand's shape has, an operator or function that takes
none of the kinds. An expression that tests for an undeclared field, with `has(x.f)`, `x.?f` or `"f" in x`, knows more
than the declaration: a missing field of that name is then not reported anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, Final, NamedTuple

from octo.expr import nodes
from octo.expr.environment import environment
from octo.expr.errors import NO_SUCH_KEY, TYPE_CLASH, ExprError
from octo.expr.foreign import extra
from octo.expr.function import Candidate, mismatch
from octo.expr.nearest import nearest
from octo.expr.nodes import Node
from octo.expr.parser import parse
from octo.expr.scope import Scope
from octo.expr.shape.values import (
    BOOL,
    INT,
    LIST,
    MAP,
    ONLY_LIST,
    STRING,
    UNKNOWN,
    Kind,
    Object,
    OneOf,
    Shape,
    described,
    either,
    generic,
    list_of,
    object_of,
    objects,
)
from octo.expr.signature import KIND_NAMES, Overload, TypeExpr

_MOST_SHOWN: Final = 60
_NUMBERS: Final = frozenset(("int", "uint", "double"))
_ORDERED: Final = ("bool", "string", "bytes", "timestamp", "duration")
_JOINED: Final = ("string", "bytes", "list")
_TIMES: Final[Mapping[tuple[str, str, str], str]] = {
    ("timestamp", "+", "duration"): "timestamp",
    ("duration", "+", "timestamp"): "timestamp",
    ("duration", "+", "duration"): "duration",
    ("timestamp", "-", "duration"): "timestamp",
    ("timestamp", "-", "timestamp"): "duration",
    ("duration", "-", "duration"): "duration",
}
_ANY: Final = (*_NUMBERS, *_ORDERED, "list", "map", "null")
_STANDARD: Final = Scope(())
_ADVICE: Final = "compare it, e.g. with `!= null`, `!= 0` or `size(...) > 0`"


class Inferred(NamedTuple):
    """What is known about an expression.

    shape: the shape of the value in CEL; its `settled()` is the shape that a message holds.
    errors: what can never work, each with its place in the text.
    asked: the names of undeclared fields that the expression tests for; pass them on for later expressions on the same
        message.
    """

    shape: Shape
    errors: list[ExprError]
    asked: frozenset[str]


def infer(text: str, names: Mapping[str, Shape], asked: Collection[str] = (), scope: Scope = _STANDARD) -> Inferred:
    """Infer the shape of an expression that can be built. A name that is not in `names` is unknown, not an error.

    scope: its functions may be called besides those of the language and of installed packages.
    """
    work = _Inference(text, names, scope)
    try:
        shape = work.of(_parsed(text))
    except RecursionError:
        return Inferred(UNKNOWN, [], frozenset(asked))
    known = frozenset((*work.asked, *asked))
    return Inferred(shape, [error for name, error in work.errors if name not in known], known)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Node:
    return parse(text)


class _Inference:
    def __init__(self, text: str, names: Mapping[str, Shape], scope: Scope) -> None:
        self.text = text
        self.names = names
        self.environment = environment(scope)
        self.asked: set[str] = set()
        self.errors: list[tuple[str | None, ExprError]] = []
        self.rules: dict[type[Node], Callable[[Any], Shape]] = {
            nodes.Literal: self.literal,
            nodes.Name: self.name,
            nodes.Select: self.select,
            nodes.Has: self.has,
            nodes.Index: self.index,
            nodes.ListNode: self.make_list,
            nodes.MapNode: self.make_map,
            nodes.Unary: self.unary,
            nodes.Binary: self.binary,
            nodes.Logic: self.logic,
            nodes.Conditional: self.conditional,
            nodes.Loop: self.loop,
            nodes.Bind: self.bind,
            nodes.OptionalMap: self.optional_map,
            nodes.Call: self.call,
        }

    def of(self, node: Node) -> Shape:
        rule = self.rules.get(type(node))
        return UNKNOWN if rule is None else rule(node)

    def within(self, variables: Mapping[str, Shape], node: Node) -> Shape:
        outer = self.names
        self.names = {**outer, **variables}
        try:
            return self.of(node)
        finally:
            self.names = outer

    # -- what is wrong

    def wrong(self, code: str, at: int, message: str, hint: str = "", missing: str | None = None) -> Shape:
        """Record an error and return UNKNOWN, so that one mistake is reported once."""
        self.errors.append((missing, ExprError(code, message, hint=hint).locate(self.text, at)))
        return UNKNOWN

    def shown(self, node: Node) -> str:
        text = " ".join(self.text[node.start : node.end].split())
        return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."

    def is_a(self, node: Node, shape: Shape) -> str:
        return f"`{self.shown(node)}` is {described(shape)}"

    def require_bool(self, node: Node, shape: Shape) -> None:
        if shape.kinds is not None and "bool" not in shape.kinds:
            message = f"{self.is_a(node, shape)}, and a bool is expected here"
            self.wrong(TYPE_CLASH, node.anchor, message, _ADVICE)

    def ask(self, operand: Shape, name: str) -> None:
        if operand.select(name) is None:
            self.asked.add(name)

    # -- names and fields

    def literal(self, node: nodes.Literal) -> Shape:
        return Kind(node.kind)

    def name(self, node: nodes.Name) -> Shape:
        return self.names.get(node.name, UNKNOWN)

    def has(self, node: nodes.Has) -> Shape:
        self.ask(self.of(node.select.operand), node.select.field)
        return BOOL

    def select(self, node: nodes.Select) -> Shape:
        return self.field(node, self.of(node.operand), node.field)

    def index(self, node: nodes.Index) -> Shape:
        operand, key = self.of(node.operand), self.of(node.index)
        if operand.kinds is None or "optional" in operand.kinds:
            return UNKNOWN
        if "map" in operand.kinds:
            name = node.index.value if isinstance(node.index, nodes.Literal) else None
            return self.field(node, operand, name) if isinstance(name, str) else UNKNOWN
        if node.optional:
            return UNKNOWN
        if "list" not in operand.kinds:
            return self.wrong(TYPE_CLASH, node.anchor, f"{self.is_a(node.operand, operand)}: it has no elements")
        if key.kinds is not None and not key.kinds & _NUMBERS:
            return self.wrong(TYPE_CLASH, node.anchor, f"{self.is_a(node.operand, operand)}: its index is a number")
        return operand.element

    def field(self, node: nodes.Select | nodes.Index, operand: Shape, name: str) -> Shape:
        if node.optional:
            self.ask(operand, name)
            return UNKNOWN
        found = operand.select(name)
        if found is not None:
            return found
        shown = self.shown(node.operand)
        if operand.kinds is not None and "map" in operand.kinds:
            names = list(dict.fromkeys(field for each in objects(operand) for field in each.fields))
            message = f"`{shown}` has no field `{name}`"
            return self.wrong(NO_SUCH_KEY, node.anchor, message, _fields(name, names), name)
        hint = ""
        if operand.kinds is not None and "list" in operand.kinds:
            hint = f"take one element, `{shown}[0].{name}`, or of each: `{shown}.map(item, item.{name})`"
        message = f"{self.is_a(node.operand, operand)}: it has no fields"
        return self.wrong(TYPE_CLASH, node.anchor, message, hint, name)

    # -- lists and maps written out

    def make_list(self, node: nodes.ListNode) -> Shape:
        found = [(self.of(item), is_optional) for item, is_optional in node.items]
        return list_of(either(*(UNKNOWN if is_optional else shape for shape, is_optional in found)))

    def make_map(self, node: nodes.MapNode) -> Shape:
        fields: dict[str, Shape] = {}
        names = True
        for key, value, is_optional in node.entries:
            self.of(key)
            found = self.of(value)
            if isinstance(key, nodes.Literal) and isinstance(key.value, str):
                fields[key.value] = UNKNOWN if is_optional else found
            else:
                names = False
        return object_of(fields) if fields and names else MAP

    # -- operators

    def unary(self, node: nodes.Unary) -> Shape:
        operand = self.of(node.operand)
        if node.operator == "!":
            self.require_bool(node.operand, operand)
            return BOOL
        if operand.kinds is None:
            return UNKNOWN
        kinds = operand.kinds & {"int", "double"}
        if not kinds:
            return self.wrong(TYPE_CLASH, node.anchor, f"{self.is_a(node.operand, operand)}: `-` does not take it")
        return either(*map(Kind, sorted(kinds)))

    def binary(self, node: nodes.Binary) -> Shape:
        """A long sum nests to the left: it is walked in a loop, not by recursion."""
        chain: list[nodes.Binary] = []
        first: Node = node
        while isinstance(first, nodes.Binary):
            chain.append(first)
            first = first.left
        shape = self.of(first)
        for each in reversed(chain):
            shape = self.operate(each, shape, self.of(each.right))
        return shape

    def operate(self, node: nodes.Binary, left: Shape, right: Shape) -> Shape:
        operator = node.operator
        if operator in {"==", "!="}:
            return BOOL
        if operator == "in":
            name = node.left.value if isinstance(node.left, nodes.Literal) else None
            if isinstance(name, str) and "list" not in (right.kinds or ()):
                self.ask(right, name)
            if right.kinds is not None and not right.kinds & {"list", "map"}:
                hint = "write `text.contains(part)`" if "string" in right.kinds else ""
                self.wrong(TYPE_CLASH, node.anchor, f"{self.is_a(node.right, right)}: nothing can be `in` it", hint)
            return BOOL
        if left.kinds is None and right.kinds is None:
            return UNKNOWN if operator in {"+", "-", "*", "/", "%"} else BOOL
        pairs = product(sorted(left.kinds or _ANY), sorted(right.kinds or _ANY))
        results = {result for one, other in pairs if (result := _result(one, operator, other)) is not None}
        if not results:
            return self.clash(node, left, right)
        if results == {"list"}:
            return list_of(either(left.element, right.element))
        return either(*map(Kind, sorted(results)))

    def clash(self, node: nodes.Binary, left: Shape, right: Shape) -> Shape:
        parts = [(each, shape) for each, shape in ((node.left, left), (node.right, right)) if shape.kinds is not None]
        what = " and ".join(self.is_a(each, shape) for each, shape in parts)
        hint = ""
        if node.operator == "+" and any("string" in (shape.kinds or ()) for _, shape in parts):
            hint = "convert with string(...)"
        elif len(parts) == 2:
            hint = "convert one side, e.g. with int(...), double(...) or string(...)"
        takes = "take them" if len(parts) == 2 else "take it"
        return self.wrong(TYPE_CLASH, node.anchor, f"{what}: `{node.operator}` does not {takes}", hint)

    def logic(self, node: nodes.Logic) -> Shape:
        for operand in node.operands:
            self.require_bool(operand, self.of(operand))
        return BOOL

    def conditional(self, node: nodes.Conditional) -> Shape:
        self.require_bool(node.condition, self.of(node.condition))
        return either(self.of(node.then), self.of(node.otherwise))

    # -- macros

    def loop(self, node: nodes.Loop) -> Shape:
        source = self.of(node.source)
        if source.kinds is not None and not source.kinds & {"list", "map"}:
            hint = f"`{node.macro}` needs a list or a map"
            self.wrong(TYPE_CLASH, node.source.anchor, f"{self.is_a(node.source, source)}: it has no elements", hint)
            source = UNKNOWN
        key, value = _run_through(source)
        variables = {node.first: key, node.second: value} if node.second else {node.first: _single(source)}
        if node.condition is not None:
            self.require_bool(node.condition, self.within(variables, node.condition))
        body = self.within(variables, node.body)
        if node.kind in {"all", "exists", "exists_one"}:
            self.require_bool(node.body, body)
            return BOOL
        same = source if source.kinds == ONLY_LIST else LIST
        results = {"map": list_of(body), "sort_by": same, "group_by": _groups(body)}
        return results.get(node.kind, MAP)

    def bind(self, node: nodes.Bind) -> Shape:
        return self.within({node.name: self.of(node.value)}, node.body)

    def optional_map(self, node: nodes.OptionalMap) -> Shape:
        self.of(node.target)
        self.within({node.name: UNKNOWN}, node.body)
        return UNKNOWN

    # -- calls

    def call(self, node: nodes.Call) -> Shape:
        name, target = node.name, node.target
        space = target.name if isinstance(target, nodes.Name) and target.name not in self.names else ""
        if space and self.candidates(f"{space}.{name}", member=False):
            name, target = f"{space}.{name}", None
        operands = node.arguments if target is None else (target, *node.arguments)
        arguments = [self.of(each) for each in operands]
        candidates = self.candidates(name, target is not None)
        candidates = [each for each in candidates if each[0].takes(len(arguments))]
        if not candidates:
            return UNKNOWN
        results = [found for each, _ in candidates if (found := _applied(each, arguments)) is not None]
        if not results:
            kinds = [described(each).removeprefix("a ").removeprefix("an ") for each in arguments]
            error = mismatch(name, candidates, kinds, TYPE_CLASH)
            return self.wrong(TYPE_CLASH, node.anchor, error.message, error.hint)
        if name == "merge" and candidates[0][1].family == "octo":
            return _merged(*arguments)
        return either(*results)

    def candidates(self, name: str, member: bool) -> list[Candidate]:
        """All signatures of that name, from the scope and the language, or else from an installed package."""
        if name in self.environment.functions:
            return self.environment.candidates(name, member)
        found = extra(name)
        return [(each, found) for each in found.overloads if each.member is member] if found else []


def _fields(name: str, names: Sequence[str]) -> str:
    close = nearest(name, names)
    known = f"fields: {', '.join(f'`{each}`' for each in names[:20])}{', ...' if len(names) > 20 else ''}"
    guess = f"did you mean `{close}`? " if close else ""
    return f"{guess}{known}" if names else "it has no fields at all"


def _result(left: str, operator: str, right: str) -> str | None:
    """The kind that an operator gives for two kinds, or None when it never works. Numbers mix, as at run time."""
    both_numbers = left in _NUMBERS and right in _NUMBERS
    if operator in {"<", "<=", ">", ">="}:
        return "bool" if both_numbers or (left == right and left in _ORDERED) else None
    if both_numbers:
        if "double" in (left, right):
            return None if operator == "%" else "double"
        return "uint" if left == right == "uint" else "int"
    if operator == "+" and left == right and left in _JOINED:
        return left
    return _TIMES.get((left, operator, right))


def _single(source: Shape) -> Shape:
    """The shape of the variable of a macro: an element of a list, a key of a map."""
    if source.kinds == ONLY_LIST:
        return source.element
    return STRING if _all_objects(source) else UNKNOWN


def _run_through(source: Shape) -> tuple[Shape, Shape]:
    """The shapes of the two variables of a macro: index and element, or key and value."""
    if source.kinds == ONLY_LIST:
        return INT, source.element
    if not _all_objects(source):
        return UNKNOWN, UNKNOWN
    found = objects(source)
    if any(each.open or not each.fields for each in found):
        return STRING, UNKNOWN
    return STRING, either(*(field for each in found for field in each.fields.values()))


def _groups(key: Shape) -> Shape:
    """The shape of what `groupBy` makes with such keys."""
    return object_of({}, is_open=True) if key == STRING else MAP


def _merged(target: Shape, other: Shape) -> Shape:
    """The shape of `target.merge(other)`. An open map may have any field, and so replace any."""
    if not (isinstance(target, Object) and isinstance(other, Object)):
        return MAP
    before = dict.fromkeys(target.fields, UNKNOWN) if other.open else target.fields
    return object_of({**before, **other.fields}, is_open=target.open or other.open)


def _all_objects(shape: Shape) -> bool:
    members = shape.members if isinstance(shape, OneOf) else (shape,)
    return all(isinstance(each, Object) for each in members)


# --- signatures --------------------------------------------------------------------------------------------------


def _applied(overload: Overload, arguments: Sequence[Shape]) -> Shape | None:
    """The shape of the result, or None when an argument never fits."""
    bound: dict[str, Shape] = {}
    for wanted, found in zip(overload.spread(len(arguments)), arguments, strict=True):
        if not _fits(wanted, found):
            return None
        inner = wanted.parameters[0] if wanted.parameters else wanted
        if _is_parameter(inner.name):
            part = found if inner is wanted else found.element if wanted.name == "list" else UNKNOWN
            bound[inner.name] = either(bound.get(inner.name, part), part)
    return _instance(overload.result, bound)


def _fits(wanted: TypeExpr, found: Shape) -> bool:
    kind = wanted.kind
    if found.kinds is None or kind == "dyn" or kind in found.kinds:
        return True
    return kind in _NUMBERS and bool(found.kinds & _NUMBERS)


def _is_parameter(name: str) -> bool:
    return len(name) == 1 and name.isupper()


def _instance(wanted: TypeExpr, bound: Mapping[str, Shape]) -> Shape:
    if wanted.name == "list":
        return list_of(_instance(wanted.parameters[0], bound)) if wanted.parameters else LIST
    if _is_parameter(wanted.name):
        return bound.get(wanted.name, UNKNOWN)
    if wanted.name == "optional" or (wanted.parameters and wanted.name not in KIND_NAMES):
        return _generic(wanted, bound)
    return UNKNOWN if wanted.kind in {"dyn", "type"} else Kind(wanted.kind)


def _generic(wanted: TypeExpr, bound: Mapping[str, Shape]) -> Shape:
    """An optional, or another type with parameters. When these are open, as in `optional.none()`, only the kind."""
    if all(_is_parameter(each.name) and each.name not in bound for each in wanted.parameters):
        return Kind(wanted.name)
    return generic(wanted.name, *(_instance(each, bound) for each in wanted.parameters))
