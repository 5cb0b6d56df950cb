"""Names that a template uses and its place of use lacks: they read null, and so does what is selected from them."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from octo.expr.environment import TYPE_NAMES
from octo.expr.nodes import PARTS, Bind, Call, Has, Index, Literal, Loop, Name, Node, OptionalMap, Select, dotted


def filled(node: Node, known: Collection[str], functions: Collection[str]) -> tuple[Node, set[str]]:
    """The tree with null in place of every name that is not known, and these names. It changes the tree it gets."""
    work = _Filling(functions)
    return work.fill(node, frozenset(known)), work.lacking


class _Filling:
    def __init__(self, functions: Collection[str]) -> None:
        self.functions = functions
        self.lacking: set[str] = set()
        self.rules: Mapping[type, Callable[[Any, frozenset[str]], Node]] = {
            Name: self.name,
            Has: self.has,
            Select: self.select,
            Index: self.index,
            Call: self.call,
            Loop: self.loop,
            Bind: self.bind,
            OptionalMap: self.optional,
        }

    def fill(self, node: Node, known: frozenset[str]) -> Node:
        rule = self.rules.get(type(node))
        return rule(node, known) if rule is not None else self.parts(node, known)

    def parts(self, node: Any, known: frozenset[str]) -> Any:
        """The node with each node in it filled, also in the lists and tuples that are its parts."""
        if isinstance(node, list | tuple):
            return type(node)(
                self.fill(each, known) if isinstance(each, Node) else self.parts(each, known) for each in node
            )
        for part in PARTS.get(type(node), ()):
            value = getattr(node, part)
            if value is not None:
                setattr(node, part, self.fill(value, known) if isinstance(value, Node) else self.parts(value, known))
        return node

    def name(self, node: Name, known: frozenset[str]) -> Node:
        if node.name in known or node.name in TYPE_NAMES:
            return node
        self.lacking.add(node.name)
        return _null(node)

    def has(self, node: Has, known: frozenset[str]) -> Node:
        node.select.operand = self.fill(node.select.operand, known)
        return Literal(node.start, node.end, False, "bool") if _is_null(node.select.operand) else node

    def select(self, node: Select, known: frozenset[str]) -> Node:
        node.operand = self.fill(node.operand, known)
        return _selected(node)

    def index(self, node: Index, known: frozenset[str]) -> Node:
        node.operand, node.index = self.fill(node.operand, known), self.fill(node.index, known)
        return _selected(node)

    def call(self, node: Call, known: frozenset[str]) -> Node:
        if node.target is not None and f"{dotted(node.target)}.{node.name}" not in self.functions:
            node.target = self.fill(node.target, known)
        node.arguments = self.parts(node.arguments, known)
        return node

    def loop(self, node: Loop, known: frozenset[str]) -> Node:
        node.source = self.fill(node.source, known)
        inside = known | {node.first, node.second or node.first}
        node.condition = None if node.condition is None else self.fill(node.condition, inside)
        node.body = self.fill(node.body, inside)
        return node

    def bind(self, node: Bind, known: frozenset[str]) -> Node:
        node.value, node.body = self.fill(node.value, known), self.fill(node.body, known | {node.name})
        return node

    def optional(self, node: OptionalMap, known: frozenset[str]) -> Node:
        node.target, node.body = self.fill(node.target, known), self.fill(node.body, known | {node.name})
        return node


def _selected(node: Select | Index) -> Node:
    if not _is_null(node.operand):
        return node
    if node.optional:
        return Call(node.start, node.end, Name(node.start, node.end, "optional"), "none", [], node.anchor)
    return _null(node)


def _null(node: Node) -> Call:
    """Null of an unknown kind: elsewhere the name may have any value, so nothing is refused when it is built."""
    return Call(node.start, node.end, None, "dyn", [Literal(node.start, node.end, None, "null")], node.anchor)


def _is_null(node: Node) -> bool:
    if not isinstance(node, Call) or node.target is not None or node.name != "dyn" or len(node.arguments) != 1:
        return False
    inner = node.arguments[0]
    return isinstance(inner, Literal) and inner.value is None
