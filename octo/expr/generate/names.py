"""Names, selections, indexes, and literal lists and maps."""

import _ast as py

from octo.expr import guesses
from octo.expr.environment import TYPE_NAMES, is_path
from octo.expr.errors import UNDECLARED_NAME, ExprError
from octo.expr.generate import emit
from octo.expr.generate.core import MAX_NODE_DEPTH, Generator, Local, Selection, Value, deeper, merged
from octo.expr.generate.sharing import part
from octo.expr.generate.value import Path
from octo.expr.nearest import nearest
from octo.expr.nodes import Has, Index, ListNode, Literal, MapNode, Name, Node, Select, dotted
from octo.expr.signature import KIND_NAMES
from octo.expr.values import a as article

_WITHOUT_FIELDS = frozenset(KIND_NAMES - {"map", "optional", "dyn"})
_WITHOUT_ITEMS = _WITHOUT_FIELDS - {"list"}


def literal(g: Generator, node: Literal) -> Value:
    return g.literal(node.value, node.kind)


# -- names


def name(g: Generator, node: Name) -> Value:
    local = None if node.absolute else g.locals.get(node.name)
    if local is not None:
        return _local(local)
    declared = g.environment.resolve(node.name, node.absolute)
    if declared is None:
        raise undeclared(g, node.name, node.start)
    return _declared(g, declared)


def _local(local: Local) -> Value:
    value = Value(emit.name(local.name), local.kind, bool(local.error), local.is_settled, path=(local.name, ()))
    value.shared = True
    value.made = local.made
    if local.error:
        error = emit.name(local.error)
        failed = emit.compare(error, "is not", emit.constant(None))
        value.node = emit.choose(failed, emit.call("_reraise", error), value.node)
    return value


def _declared(g: Generator, declared: str) -> Value:
    scope = g.environment.scope
    if declared in scope.variables:
        g.names.add(declared)
        tree = g.environment.source(declared)
        if not is_path(tree):
            return Value(emit.name(g.once(declared, tree)))
        # What is read from the message is certainly settled; the result of a call such as now() need not be.
        value = Value(tree, is_settled=True, path=(scope.variables[declared], ()))
        value.shared = True
        return value
    if declared in scope.constants:
        return _constant(g, scope.constants[declared])
    return g.literal(TYPE_NAMES[declared], "type")


def _constant(g: Generator, value: object) -> Value:
    result = g.literal(value)
    result.is_settled = True
    if isinstance(result.node, py.Name):
        result.path = (result.node.id, ())
    return result


def undeclared(g: Generator, word: str, offset: int) -> ExprError:
    scope = g.environment.scope
    known = [*g.locals, *scope.variables, *scope.constants]
    guess = nearest(word, [*known, *g.environment.known])
    if meant := guesses.of_name(g.text, word) if "body" in scope.variables else "":
        hint = meant
    elif word in g.environment.functions:
        hint = f"'{word}' is a function: {g.environment.functions[word][0].overloads[0].text}"
    elif guess:
        hint = f"Did you mean '{guess}'?"
    else:
        quotes = f"text needs quotes of its own: '\"{word}\"'" if g.text.strip() == word else "text needs quotes"
        hint = f"Names here are {', '.join(known[:8])}; {quotes}" if known else quotes.capitalize()
    return g.error(UNDECLARED_NAME, f"undeclared name '{word}'", offset, hint)


def qualified(g: Generator, node: Node) -> str | None:
    """The dotted name that a path such as `a.b.c` could be, or None if it starts at a variable of a macro."""
    root = _root(node)
    if root is None or (root.name in g.locals and not root.absolute):
        return None
    return dotted(node)


def _root(node: Node) -> Name | None:
    while isinstance(node, Select):
        node = node.operand
    return node if isinstance(node, Name) else None


# -- selection


def select(g: Generator, node: Select) -> Value:
    root = _root(node)
    if root is not None and g.environment.may_qualify(root.name):
        dotted = qualified(g, node)
        declared = g.environment.resolve(dotted, root.absolute) if dotted else None
        if declared is not None:
            return _declared(g, declared)
    return _field(g, node, g.value(node.operand))


def _field(g: Generator, node: Select, operand: Value) -> Value:
    field = emit.constant(node.field)
    if node.optional:
        return Value(emit.call("_peek", operand.node, field), "optional", True, depth=deeper(operand)).sharing(operand)
    if isinstance(operand.constant, dict) and node.field in operand.constant:
        return _constant(g, operand.constant[node.field])
    _check_fields(g, operand, node)
    path = _selected(g, operand, node, node.field)
    operand = _without_literal(g, operand)
    read = emit.subscript(operand.node, field)
    return Value(read, "dyn", True, operand.is_settled, deeper(operand), path=path).sharing(operand).of(operand)


def _without_literal(g: Generator, operand: Value) -> Value:
    """The operand, in a variable if it is a literal: Python warns when a literal list is indexed by a string."""
    return g.keep(operand) if isinstance(operand.node, (py.List, py.Constant)) else operand


def _selected(g: Generator, operand: Value, node: Node, key: str | int) -> Path | None:
    """Record the selection for error messages, and return the path of its result."""
    g.selections[node.anchor, node.end] = Selection(operand.path, key)
    return (operand.path[0], (*operand.path[1], key)) if operand.path else None


def _check_fields(g: Generator, operand: Value, node: Select) -> None:
    if operand.kind in _WITHOUT_FIELDS:
        message = f"cannot select {node.field!r} of {article(operand.kind)}"
        raise g.clash(message, node.operand.end, guesses.of_field(node.field))


def has(g: Generator, node: Has) -> Value:
    operand = _reached(g, node.select.operand)
    _check_fields(g, operand, node.select)
    field = emit.constant(node.select.field)
    if operand.kind == "map":
        return Value(emit.compare(field, "in", operand.node), "bool", operand.fallible, True, deeper(operand))
    first, later = g.twice(operand)
    test = emit.choose(emit.is_class(first, "dict"), emit.compare(field, "in", later), emit.call("_has", later, field))
    return Value(test, "bool", True, True, deeper(operand, by=2))


def _reached(g: Generator, node: Node) -> Value:
    """The value whose field `has` tests. On the way to it, what has no fields (null, a text) has null for each."""
    key = _key(g, node)
    if key is None or not isinstance(node, (Select, Index)):
        return g.value(node)
    operand = _reached(g, node.operand)
    if operand.kind != "dyn" or operand.is_known:
        result = _field(g, node, operand) if isinstance(node, Select) else _indexed(g, node, operand)
    else:
        first, later = g.twice(operand)
        field, path = emit.constant(key), _selected(g, operand, node, key)
        read = emit.choose(
            emit.is_class(first, "dict"), emit.subscript(later, field), emit.call("_reach", later, field)
        )
        result = Value(read, "dyn", True, operand.is_settled, deeper(operand, by=2), path=path).of(operand)
        result.sharing(operand)
    emit.locate([result.node], node.anchor, node.end)
    if result.depth > MAX_NODE_DEPTH:
        result = g.keep(result)
    return g.watched(node, result)


def _key(g: Generator, node: Node) -> str | None:
    """The key that a plain selection reads; None for any other piece, and for what may be one dotted name."""
    if isinstance(node, Index) and not node.optional and isinstance(node.index, Literal):
        return node.index.value if isinstance(node.index.value, str) else None
    if not isinstance(node, Select) or node.optional:
        return None
    root = _root(node)
    return None if root is not None and g.environment.may_qualify(root.name) else node.field


def index(g: Generator, node: Index) -> Value:
    return _indexed(g, node, g.value(node.operand))


def _indexed(g: Generator, node: Index, operand: Value) -> Value:
    key = g.value(node.index)
    depth = deeper(operand, key, by=2)
    if node.optional:
        return Value(emit.call("_peek", operand.node, key.node), "optional", True, depth=depth).sharing(operand)
    if operand.kind in _WITHOUT_ITEMS:
        raise g.clash(f"cannot index {article(operand.kind)}", node.operand.end)
    if isinstance(key.constant, str) and operand.kind != "list":
        path = _selected(g, operand, node, key.constant)
        operand = _without_literal(g, operand)
        read = emit.subscript(operand.node, key.node)
        return Value(read, "dyn", True, operand.is_settled, deeper(operand), path=path).sharing(operand).of(operand)
    if isinstance(key.constant, int) and key.kind == "int" and key.constant >= 0:
        first, later = g.twice(operand)
        fast = emit.is_class(first, "list")
        path = _selected(g, operand, node, key.constant)
    elif key.kind in {"dyn", "string"}:
        # Kept in variables, so that the order in which the tests read them does not matter.
        operand, key = (each if each.is_simple else g.keep(each) for each in (operand, key))
        later = operand.node
        fast = emit.both(emit.is_class(operand.node, "dict"), emit.is_class(key.node, "str"))
        g.selections[node.anchor, node.end] = Selection(operand.path, None)
        path = None
    else:
        read = emit.call("_item", operand.node, key.node)
        return Value(read, "dyn", True, operand.is_settled, depth).sharing(operand).of(operand)
    slow = emit.call("_item", later, key.node)
    read = emit.choose(fast, emit.subscript(later, key.node), slow)
    return Value(read, "dyn", True, operand.is_settled, depth, path=path).sharing(operand).of(operand)


# -- lists and maps


def make_list(g: Generator, node: ListNode) -> Value:
    items = [(g.value(item), optional) for item, optional in node.items]
    elements: list[py.expr] = []
    for value, optional in items:
        if optional:
            maybe = g.temporary()
            unwrapped = emit.walrus(maybe, emit.call("_unwrap", part(g, value)))
            inside = py.List(elts=[emit.attribute(emit.name(maybe), "value")], ctx=emit.LOAD)
            empty = py.List(elts=[], ctx=emit.LOAD)
            chosen = emit.choose(emit.attribute(unwrapped, "present"), inside, empty)
            elements.append(py.Starred(value=chosen, ctx=emit.LOAD))
        else:
            elements.append(part(g, value))
    values = [value for value, _ in items]
    _, fallible, is_settled = merged(*values)
    has_optional = any(optional for _, optional in items)
    return Value(
        py.List(elts=elements, ctx=emit.LOAD),
        "list",
        fallible or has_optional,
        is_settled and not has_optional,
        deeper(*values) if values else 1,
    ).of(*values)


def make_map(g: Generator, node: MapNode) -> Value:
    entries = [(g.value(key), g.value(value), optional) for key, value, optional in node.entries]
    keys = [key.constant for key, _, _ in entries]
    is_plain = all(key.__class__ is str for key in keys) and len(set(map(str, keys))) == len(keys)
    values = [value for _, value, _ in entries]
    depth = deeper(*values, *[key for key, _, _ in entries], by=2) if entries else 1
    _, fallible, is_settled = merged(*values)
    if is_plain and not any(optional for _, _, optional in entries):
        node_ = py.Dict(keys=[key.node for key, _, _ in entries], values=[part(g, value) for value in values])
        return Value(node_, "map", fallible, is_settled, depth).of(*values)
    pairs: list[py.expr] = []
    for key, value, optional in entries:
        if optional:
            maybe = g.temporary()
            unwrapped = emit.walrus(maybe, emit.call("_unwrap", part(g, value)))
            pair = py.Tuple(elts=[part(g, key), emit.attribute(emit.name(maybe), "value")], ctx=emit.LOAD)
            chosen = emit.choose(
                emit.attribute(unwrapped, "present"),
                py.Tuple(elts=[pair], ctx=emit.LOAD),
                py.Tuple(elts=[], ctx=emit.LOAD),
            )
            pairs.append(py.Starred(value=chosen, ctx=emit.LOAD))
        else:
            pairs.append(py.Tuple(elts=[part(g, key), part(g, value)], ctx=emit.LOAD))
    built = emit.call("_make_map", py.List(elts=pairs, ctx=emit.LOAD))
    return Value(built, "map", True, False, depth + 1).of(*values, *[key for key, _, _ in entries])
