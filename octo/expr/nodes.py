"""The syntax tree of an expression. `start` and `end` are offsets in its text."""

from typing import Literal as OneOf

LoopKind = OneOf["all", "exists", "exists_one", "map", "sort_by", "group_by", "transform_map", "transform_map_entry"]


class Node:
    """Any piece of an expression.

    `anchor` is where its errors are shown: an operator, a field, the name of a function. Invariant: no two pieces that
    can fail have the same anchor and end. `depth` is the nesting below the piece, bounded by the parser.
    """

    __slots__ = ("anchor", "depth", "end", "start")

    depth: int

    def __init__(self, start: int, end: int, *children: "Node | None", anchor: int | None = None) -> None:
        self.start = start
        self.end = end
        self.anchor = start if anchor is None else anchor
        self.depth = 1 + max([child.depth for child in children if child is not None], default=0)


class Literal(Node):
    """A number, string, bytes, bool or null that is written in the text."""

    __slots__ = ("kind", "value")

    def __init__(self, start: int, end: int, value: object, kind: str) -> None:
        super().__init__(start, end)
        self.value = value
        self.kind = kind


class Name(Node):
    """An identifier; `absolute` when it is written with a leading dot."""

    __slots__ = ("absolute", "name")

    def __init__(self, start: int, end: int, name: str, absolute: bool = False) -> None:
        super().__init__(start, end)
        self.name = name
        self.absolute = absolute


class Select(Node):
    """`operand.field`, or `operand.?field`."""

    __slots__ = ("field", "operand", "optional", "quoted")

    def __init__(
        self, start: int, end: int, operand: Node, field: str, optional: bool, quoted: bool, anchor: int
    ) -> None:
        super().__init__(start, end, operand, anchor=anchor)
        self.operand = operand
        self.field = field
        self.optional = optional
        self.quoted = quoted


class Has(Node):
    """`has(operand.field)`."""

    __slots__ = ("select",)

    def __init__(self, start: int, end: int, select: Select) -> None:
        super().__init__(start, end, select)
        self.select = select


class Index(Node):
    """`operand[index]`, or `operand[?index]`."""

    __slots__ = ("index", "operand", "optional")

    def __init__(self, start: int, end: int, operand: Node, index: Node, optional: bool, anchor: int) -> None:
        super().__init__(start, end, operand, index, anchor=anchor)
        self.operand = operand
        self.index = index
        self.optional = optional


class Call(Node):
    """`name(arguments)`, or `target.name(arguments)`."""

    __slots__ = ("arguments", "name", "target")

    def __init__(
        self, start: int, end: int, target: Node | None, name: str, arguments: list[Node], anchor: int
    ) -> None:
        super().__init__(start, end, target, *arguments, anchor=anchor)
        self.target = target
        self.name = name
        self.arguments = arguments


class Unary(Node):
    """`!operand` or `-operand`."""

    __slots__ = ("operand", "operator")

    def __init__(self, start: int, end: int, operator: str, operand: Node) -> None:
        super().__init__(start, end, operand)
        self.operator = operator
        self.operand = operand


class Binary(Node):
    """`left operator right`. A chain such as a + b + c nests to the left and counts as one level of nesting."""

    __slots__ = ("left", "operator", "right")

    def __init__(self, left: Node, operator: str, right: Node, anchor: int) -> None:
        super().__init__(left.start, right.end, left, right, anchor=anchor)
        self.left = left
        self.operator = operator
        self.right = right
        if isinstance(left, Binary):
            self.depth = max(left.depth, right.depth + 1)


class Logic(Node):
    """`a && b && ...` or `a || b || ...`, as one flat node."""

    __slots__ = ("operands", "operator")

    def __init__(self, operator: str, operands: list[Node]) -> None:
        super().__init__(operands[0].start, operands[-1].end, *operands)
        self.operator = operator
        self.operands = operands


class Conditional(Node):
    """`condition ? then : otherwise`."""

    __slots__ = ("condition", "otherwise", "then")

    def __init__(self, condition: Node, then: Node, otherwise: Node) -> None:
        super().__init__(condition.start, otherwise.end, condition, then, otherwise)
        self.condition = condition
        self.then = then
        self.otherwise = otherwise


class ListNode(Node):
    """`[a, ?b]`: the elements, and for each whether it is optional."""

    __slots__ = ("items",)

    def __init__(self, start: int, end: int, items: list[tuple[Node, bool]]) -> None:
        super().__init__(start, end, *[item for item, _ in items])
        self.items = items


class MapNode(Node):
    """`{a: b, ?c: d}`: the keys and values, and for each entry whether it is optional."""

    __slots__ = ("entries",)

    def __init__(self, start: int, end: int, entries: list[tuple[Node, Node, bool]]) -> None:
        super().__init__(start, end, *[node for key, value, _ in entries for node in (key, value)])
        self.entries = entries


class Loop(Node):
    """A comprehension: `source.map(first, condition, body)` and its kin."""

    __slots__ = ("body", "condition", "first", "kind", "macro", "second", "source")

    def __init__(  # noqa: PLR0913, PLR0917 - a node is its parts
        self,
        start: int,
        end: int,
        kind: LoopKind,
        macro: str,
        source: Node,
        first: str,
        second: str | None,
        condition: Node | None,
        body: Node,
    ) -> None:
        super().__init__(start, end, source, condition, body)
        self.kind = kind
        self.macro = macro
        self.source = source
        self.first = first
        self.second = second
        self.condition = condition
        self.body = body


class Bind(Node):
    """`cel.bind(name, value, body)`."""

    __slots__ = ("body", "name", "value")

    def __init__(self, start: int, end: int, name: str, value: Node, body: Node) -> None:
        super().__init__(start, end, value, body)
        self.name = name
        self.value = value
        self.body = body


class OptionalMap(Node):
    """`target.optMap(name, body)`, or `optFlatMap` when `flat`."""

    __slots__ = ("body", "flat", "name", "target")

    def __init__(self, start: int, end: int, target: Node, name: str, body: Node, flat: bool) -> None:
        super().__init__(start, end, target, body)
        self.target = target
        self.name = name
        self.body = body
        self.flat = flat


PARTS: dict[type[Node], tuple[str, ...]] = {
    Select: ("operand",),
    Has: ("select",),
    Index: ("operand", "index"),
    Call: ("target", "arguments"),
    Unary: ("operand",),
    Binary: ("left", "right"),
    Logic: ("operands",),
    Conditional: ("condition", "then", "otherwise"),
    ListNode: ("items",),
    MapNode: ("entries",),
    Loop: ("source", "condition", "body"),
    Bind: ("value", "body"),
    OptionalMap: ("target", "body"),
}
"""Where each kind of node holds others."""


def children(node: Node) -> list[Node]:
    """The nodes directly inside a node, in the order of the text."""
    return [each for part in PARTS.get(type(node), ()) for each in _nodes(getattr(node, part))]


def _nodes(part: object) -> list[Node]:
    """The nodes in a part: one, several, or several with flags beside them."""
    if isinstance(part, Node):
        return [part]
    return [each for inner in part for each in _nodes(inner)] if isinstance(part, (list, tuple)) else []


def dotted(node: Node) -> str | None:
    """`a.b.c` as one name, or None for anything else."""
    parts: list[str] = []
    while isinstance(node, Select) and not node.optional and not node.quoted:
        parts.append(node.field)
        node = node.operand
    return ".".join((node.name, *reversed(parts))) if isinstance(node, Name) else None


def called(tree: Node) -> list[str]:
    """The names of all functions that an expression may call: `f` for `f()`, `f` and `a.b.f` for `a.b.f()`."""
    found: list[str] = []
    pending = [tree]
    while pending:
        node = pending.pop()
        pending += children(node)
        if isinstance(node, Call):
            path = dotted(node.target) if node.target is not None else None
            found += [node.name, f"{path}.{node.name}"] if path else [node.name]
    return found
