"""Deduces the static type of an expression, for documentation and editors.

The translator proves kinds on its own and never trusts what is deduced here: with promotion on dynamic values a
static `int` may be a double at run time. Type parameters of signatures are unified as in CEL's checker.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import count
from typing import Any

from octo.expr import nodes
from octo.expr.environment import Environment, environment
from octo.expr.errors import TYPE_CLASH, UNDECLARED_FUNCTION, UNDECLARED_NAME, ExprError
from octo.expr.nodes import Node, called
from octo.expr.parser import parse
from octo.expr.scope import Scope
from octo.expr.signature import KIND_NAMES, Overload, TypeExpr, parse_type

DYN = TypeExpr("dyn")
BOOL = TypeExpr("bool")
INT = TypeExpr("int")
NULL = TypeExpr("null")
_NULLABLE = frozenset(("null", "dyn", "timestamp", "duration", "optional"))
_ARITHMETIC = {
    "+": ("int", "uint", "double", "string", "bytes", "list"),
    "-": ("int", "uint", "double"),
    "*": ("int", "uint", "double"),
    "/": ("int", "uint", "double"),
    "%": ("int", "uint"),
}
_TIMES = {
    ("timestamp", "+", "duration"): "timestamp",
    ("duration", "+", "timestamp"): "timestamp",
    ("duration", "+", "duration"): "duration",
    ("timestamp", "-", "duration"): "timestamp",
    ("timestamp", "-", "timestamp"): "duration",
    ("duration", "-", "duration"): "duration",
}


def type_of(text: str, scope: Scope, variables: Mapping[str, str] | None = None) -> str:
    """The type of `text`, e.g. "list(int)"; `variables` gives the types of names, dyn where it is silent."""
    tree, known = parse(text), environment(scope)
    try:
        checker = _Checker(text, known, variables or {})
        return str(checker.final(checker.of(tree)))
    except ExprError as error:
        if error.code in {UNDECLARED_NAME, UNDECLARED_FUNCTION} and known.extend(called(tree)):
            return type_of(text, scope, variables)
        raise


def _is_free(each: TypeExpr) -> bool:
    return each.name.startswith("_")


def _list(element: TypeExpr) -> TypeExpr:
    return TypeExpr("list", (element,))


class _Checker:
    def __init__(self, text: str, known: Environment, variables: Mapping[str, str]) -> None:
        self.text = text
        self.environment = known
        self.variables = {name: parse_type(each) for name, each in variables.items()}
        self.locals: dict[str, TypeExpr] = {}
        self.bound: dict[str, TypeExpr] = {}
        self.numbers = count()
        self.rules: dict[type[Node], Callable[[Any], TypeExpr]] = {
            nodes.Literal: self.literal,
            nodes.Name: self.path,
            nodes.Select: self.path,
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

    # -- type variables

    def free(self) -> TypeExpr:
        return TypeExpr(f"_{next(self.numbers)}")

    def look(self, each: TypeExpr) -> TypeExpr:
        """What a type variable stands for by now."""
        while each.name in self.bound:
            each = self.bound[each.name]
        return each

    def final(self, each: TypeExpr) -> TypeExpr:
        """The type with all its variables resolved; what nothing constrains is dyn."""
        each = self.look(each)
        if _is_free(each):
            return DYN
        return TypeExpr(each.name, tuple(self.final(parameter) for parameter in each.parameters))

    def fits(self, wanted: TypeExpr, found: TypeExpr) -> bool:
        """Whether a value of type `found` may stand where `wanted` is; binds type variables."""
        wanted, found = self.look(wanted), self.look(found)
        if wanted == found:
            return True
        if _is_free(wanted) or _is_free(found):
            return self._bind(wanted, found) if _is_free(wanted) else self._bind(found, wanted)
        if DYN in {wanted, found}:
            return True
        if NULL in {wanted, found}:
            return wanted.name in _NULLABLE and found.name in _NULLABLE
        return wanted.name == found.name and self._fit_parameters(wanted.parameters, found.parameters)

    def _fit_parameters(self, wanted: Sequence[TypeExpr], found: Sequence[TypeExpr]) -> bool:
        """A plain `list` or `map` fits one with parameters."""
        if not wanted or not found:
            return True
        return len(wanted) == len(found) and all(map(self.fits, wanted, found))

    def _bind(self, free: TypeExpr, other: TypeExpr) -> bool:
        if self._occurs(free, other):
            return False
        self.bound[free.name] = other
        return True

    def _occurs(self, free: TypeExpr, inside: TypeExpr) -> bool:
        inside = self.look(inside)
        return inside == free or any(self._occurs(free, each) for each in inside.parameters)

    def joined(self, left: TypeExpr, right: TypeExpr) -> TypeExpr:
        """The most specific type that covers both, as for the elements of a list."""
        left, right = self.look(left), self.look(right)
        if not self.fits(left, right):
            return DYN
        if left == NULL:
            return right
        return self._general(left, right)

    def _general(self, left: TypeExpr, right: TypeExpr) -> TypeExpr:
        """Of two types that fit one another, the one with dyn wherever either has it."""
        left, right = self.look(left), self.look(right)
        if DYN in {left, right}:
            return DYN
        if len(left.parameters) != len(right.parameters) or right == NULL:
            return left
        return TypeExpr(left.name, tuple(map(self._general, left.parameters, right.parameters)))

    # -- nodes

    def of(self, node: Node) -> TypeExpr:
        return self.rules[type(node)](node)

    def literal(self, node: nodes.Literal) -> TypeExpr:
        return TypeExpr(node.kind)

    def has(self, node: nodes.Has) -> TypeExpr:
        self.of(node.select.operand)
        return BOOL

    def unary(self, node: nodes.Unary) -> TypeExpr:
        operand = self.of(node.operand)
        return BOOL if node.operator == "!" else operand

    def logic(self, node: nodes.Logic) -> TypeExpr:
        for operand in node.operands:
            self.require(BOOL, operand)
        return BOOL

    def conditional(self, node: nodes.Conditional) -> TypeExpr:
        self.require(BOOL, node.condition)
        return self.joined(self.of(node.then), self.of(node.otherwise))

    def bind(self, node: nodes.Bind) -> TypeExpr:
        return self.within({node.name: self.of(node.value)}, node.body)

    def require(self, wanted: TypeExpr, node: Node) -> None:
        found = self.of(node)
        if not self.fits(wanted, found):
            raise self.clash(f"expected {wanted}, found {self.final(found)}", node)

    def clash(self, message: str, node: Node) -> ExprError:
        return ExprError(TYPE_CLASH, message).locate(self.text, node.anchor)

    def within(self, variables: Mapping[str, TypeExpr], node: Node) -> TypeExpr:
        outer = self.locals
        self.locals = {**outer, **variables}
        try:
            return self.of(node)
        finally:
            self.locals = outer

    def dotted(self, node: Node) -> str | None:
        fields: list[str] = []
        while isinstance(node, nodes.Select):
            fields.append(node.field)
            node = node.operand
        if not isinstance(node, nodes.Name) or node.name in self.locals:
            return None
        return ".".join((node.name, *reversed(fields)))

    def path(self, node: nodes.Name | nodes.Select) -> TypeExpr:
        if isinstance(node, nodes.Name) and node.name in self.locals:
            return self.locals[node.name]
        name = self.dotted(node)
        declared = self.environment.resolve(name, absolute=False) if name else None
        if declared is not None:
            return self.declared(declared)
        if isinstance(node, nodes.Name):
            raise ExprError(UNDECLARED_NAME, f"undeclared name '{node.name}'").locate(self.text, node.anchor)
        return self.member(node.operand, TypeExpr("string"), node.optional, node)

    def declared(self, name: str) -> TypeExpr:
        if name in self.variables:
            return self.variables[name]
        scope = self.environment.scope
        return DYN if name in scope.variables or name in scope.constants else TypeExpr("type")

    def index(self, node: nodes.Index) -> TypeExpr:
        return self.member(node.operand, self.of(node.index), node.optional, node)

    def member(self, operand: Node, key: TypeExpr, optional: bool, node: Node) -> TypeExpr:
        """The type of what is selected from an operand; selecting from an optional yields an optional."""
        container = self.look(self.of(operand))
        if container.name == "optional":
            container, optional = self.look(container.parameters[0]), True
        element = DYN
        if container.name == "map" and container.parameters:
            if not self.fits(container.parameters[0], key):
                raise self.clash(f"the keys of the map are not of type {self.final(key)}", node)
            element = container.parameters[1]
        elif container.name == "list" and container.parameters and isinstance(node, nodes.Index):
            element = container.parameters[0]
        elif container.name != "dyn" and not _is_free(container) and container.name not in {"map", "list"}:
            raise self.clash(f"cannot select from {container}", node)
        return TypeExpr("optional", (element,)) if optional else element

    def make_list(self, node: nodes.ListNode) -> TypeExpr:
        found = [self.of(item) for item, _ in node.items]
        return _list(reduce(self.joined, found) if found else self.free())

    def make_map(self, node: nodes.MapNode) -> TypeExpr:
        keys = [self.of(key) for key, _, _ in node.entries]
        values = [self.of(value) for _, value, _ in node.entries]
        if not keys:
            return TypeExpr("map", (self.free(), self.free()))
        return TypeExpr("map", (reduce(self.joined, keys), reduce(self.joined, values)))

    def binary(self, node: nodes.Binary) -> TypeExpr:
        left, right = self.look(self.of(node.left)), self.look(self.of(node.right))
        if node.operator not in _ARITHMETIC:
            if node.operator in {"==", "!="} and not self.fits(left, right):
                raise self.clash(f"cannot compare {self.final(left)} with {self.final(right)}", node)
            return BOOL
        times = _TIMES.get((left.name, node.operator, right.name))
        if times is not None:
            return TypeExpr(times)
        if not self.fits(left, right):
            raise self.clash(f"no such overload: {left} {node.operator} {right}", node)
        result = self.joined(left, right)
        if result.name in KIND_NAMES and result.name not in {*_ARITHMETIC[node.operator], "dyn"}:
            raise self.clash(f"no such overload: {left} {node.operator} {right}", node)
        return result

    def loop(self, node: nodes.Loop) -> TypeExpr:
        source = self.look(self.of(node.source))
        key, value = DYN, DYN
        if source.name == "list" and source.parameters:
            key, value = (INT, source.parameters[0]) if node.second else (source.parameters[0], DYN)
        elif source.name == "map" and source.parameters:
            key, value = source.parameters
        variables = {node.first: key, **({node.second: value} if node.second else {})}
        if node.condition is not None:
            self.within(variables, node.condition)
        body = self.within(variables, node.body)
        if node.kind == "map":
            return _list(body)
        if node.kind == "transform_map":
            return TypeExpr("map", (key, body))
        return {"sort_by": source, "transform_map_entry": body}.get(node.kind, BOOL)

    def optional_map(self, node: nodes.OptionalMap) -> TypeExpr:
        inner = self.free()
        if not self.fits(TypeExpr("optional", (inner,)), self.of(node.target)):
            raise self.clash("expected an optional", node)
        body = self.within({node.name: inner}, node.body)
        return body if node.flat else TypeExpr("optional", (body,))

    # -- calls

    def call(self, node: nodes.Call) -> TypeExpr:
        path = self.dotted(node.target) if node.target is not None else None
        namespaced = f"{path}.{node.name}" if path else ""
        if node.target is None or namespaced in self.environment.functions:
            name, member, receiver = namespaced or node.name, False, list[TypeExpr]()
        else:
            name, member, receiver = node.name, True, [self.of(node.target)]
        arguments = receiver + [self.of(each) for each in node.arguments]
        candidates = self.environment.candidates(name, member)
        if not candidates:
            raise ExprError(UNDECLARED_FUNCTION, f"undeclared function '{name}'").locate(self.text, node.anchor)
        results = [result for each, _ in candidates if (result := self.apply(each, arguments)) is not None]
        if not results:
            raise self.clash(f"no such overload: {name}({', '.join(str(self.final(a)) for a in arguments)})", node)
        return results[0] if all(each == results[0] for each in results) else DYN

    def apply(self, overload: Overload, arguments: list[TypeExpr]) -> TypeExpr | None:
        """The result type when the arguments fit the signature, else None."""
        if not overload.takes(len(arguments)):
            return None
        fresh: dict[str, TypeExpr] = {}
        saved = dict(self.bound)
        for wanted, found in zip(overload.spread(len(arguments)), arguments, strict=True):
            if not self.fits(self.instance(wanted, fresh), found):
                self.bound = saved
                return None
        return self.instance(overload.result, fresh)

    def instance(self, each: TypeExpr, fresh: dict[str, TypeExpr]) -> TypeExpr:
        """A type of a signature with its parameters (single capitals) made variables of this call."""
        if len(each.name) == 1 and each.name.isupper():
            return fresh.setdefault(each.name, self.free())
        if each.name == "json":
            return DYN
        return TypeExpr(each.name, tuple(self.instance(parameter, fresh) for parameter in each.parameters))
