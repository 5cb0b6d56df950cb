"""`&&`, `||` and `?:`. An error in one operand of `&&` or `||` is dropped when another operand decides."""

import _ast as py

from octo.expr.generate import emit
from octo.expr.generate.core import MAX_NODE_DEPTH, Generator, Value, deeper, merged
from octo.expr.nodes import Conditional, Logic, Node

Part = tuple[list[py.stmt], Value]


def logic(g: Generator, node: Logic) -> Value:
    parts = [g.captured(operand, blocks=1) for operand in node.operands[:-1]]
    parts.append(g.captured(node.operands[-1]))
    if all(_is_certain(part) for part in parts[:-1]) and not parts[-1][0]:
        return _flat(g, node, [value for _, value in parts])
    result = _steps(g, node, parts)
    result.plain = _plain(g, node, parts)
    return result


def _is_certain(part: Part) -> bool:
    """Whether the part needs no statements, cannot fail and is proven a bool: then Python's own `and` will do."""
    block, value = part
    return not block and not value.fallible and value.kind == "bool"


def _flat(g: Generator, node: Logic, values: list[Value]) -> Value:
    *others, last = values
    nodes = [*[value.node for value in others], as_bool(g, last, node.operands[-1])]
    joined = emit.both(*nodes) if node.operator == "&&" else emit.either(*nodes)
    return Value(joined, "bool", last.fallible or last.kind != "bool", True, deeper(*values, by=3))


def _plain(g: Generator, node: Logic, parts: list[Part]) -> Value | None:
    """The value as Python's own `and`, which a loop may try first.

    None where a second evaluation could be noticed, as with a function that counts its calls.
    """
    if not g.is_pure or any(block and value.plain is None for block, value in parts):
        return None
    values = [
        value.plain or Value(as_bool(g, value, origin), "bool", True, True, deeper(value, by=2))
        for (_, value), origin in zip(parts, node.operands, strict=True)
    ]
    joined = _flat(g, node, values)
    return joined if joined.depth <= MAX_NODE_DEPTH else None


def as_bool(g: Generator, value: Value, origin: Node) -> py.expr:
    """The value of `origin`, or an error at its place when it is not a bool."""
    if value.kind == "bool":
        return value.node
    if value.kind == "dyn":
        first, later = g.twice(value)
        is_true = emit.compare(first, "is", emit.constant(True))
        is_other = emit.compare(later, "is not", emit.constant(False))
        checked = emit.either(is_true, emit.both(is_other, emit.call("_not_bool", later)))
    else:
        checked = emit.call("_not_bool", value.node)
    emit.locate([checked], origin.anchor, origin.end)
    return checked


def _steps(g: Generator, node: Logic, parts: list[Part]) -> Value:
    """One statement per operand; the first error is kept until the outcome is known."""
    is_and = node.operator == "&&"
    result, error = g.temporary(), g.temporary("error")
    neutral = emit.constant(is_and)
    keeps_error = False
    body: list[py.stmt] = []
    for number, (block, value) in enumerate(parts):
        step = [*block, emit.assign(result, value.node), *_check(value, result)]
        emit.locate(step, node.operands[number].anchor, node.operands[number].end)
        if (value.fallible or value.kind != "bool" or block) and number < len(parts) - 1:
            step = [_guarded(g, step, error, [emit.assign(result, neutral)])]
            keeps_error = True
        undecided = emit.name(result) if is_and else emit.invert(emit.name(result))
        body += [emit.when(undecided, step)] if number else step
    if keeps_error:
        body = [emit.assign(error, emit.constant(None)), *body, *settle(result, error, is_and)]
    g.block += body
    return Value(emit.name(result), "bool", False, True)


def _check(value: Value, variable: str) -> list[py.stmt]:
    if value.kind == "bool":
        return []
    read = emit.name(variable)
    return [emit.when(emit.is_not_bool(read, read), [emit.statement(emit.call("_not_bool", read))])]


def _guarded(g: Generator, body: list[py.stmt], error: str, otherwise: list[py.stmt]) -> py.stmt:
    caught = g.temporary("caught")
    return emit.attempt(body, caught, [*g.caught(caught), *keep_first(error, caught), *otherwise])


def keep_first(error: str, caught: str) -> list[py.stmt]:
    """`if error is None: error = caught`."""
    is_first = emit.compare(emit.name(error), "is", emit.constant(None))
    return [emit.when(is_first, [emit.assign(error, emit.name(caught))])]


def settle(result: str, error: str, fails_when: bool) -> list[py.stmt]:
    """Raise the kept error unless another operand decided the outcome. Otherwise drop it, with its traceback."""
    failed = emit.name(result) if fails_when else emit.invert(emit.name(result))
    return [
        emit.when(
            emit.compare(emit.name(error), "is not", emit.constant(None)),
            [
                emit.when(failed, [emit.fail(emit.name(error))]),
                emit.assign(error, emit.constant(None)),
            ],
        )
    ]


def conditional(g: Generator, node: Conditional) -> Value:
    condition = g.value(node.condition)
    if condition.kind not in {"bool", "dyn"}:
        raise g.clash(f"the condition before '?' must be a bool, found {condition.kind}", node.condition.start)
    then_block, then = g.captured(node.then)
    else_block, otherwise = g.captured(node.otherwise)
    kind, fallible, is_settled = merged(then, otherwise)
    fallible = fallible or condition.fallible or condition.kind != "bool"
    hidden = "dyn" if then.hidden or otherwise.hidden else ""
    if not then_block and not else_block:
        choice = _choice(g, node.condition, condition, then.node, otherwise.node)
        depth = deeper(condition, then, otherwise, by=2)
        return (
            Value(choice, kind, fallible, is_settled, depth, hidden=hidden).sharing(then, otherwise).of(then, otherwise)
        )
    result = g.temporary()
    test = as_bool(g, condition, node.condition)
    g.block.append(
        emit.when(
            test,
            [*then_block, emit.assign(result, then.node)],
            [*else_block, emit.assign(result, otherwise.node)],
        )
    )
    return Value(emit.name(result), kind, False, is_settled, hidden=hidden).sharing(then, otherwise).of(then, otherwise)


def _choice(g: Generator, origin: Node, condition: Value, then: py.expr, otherwise: py.expr) -> py.expr:
    if condition.kind == "bool":
        return emit.choose(condition.node, then, otherwise)
    first, later = g.twice(condition)
    is_false = emit.compare(later, "is", emit.constant(False))
    neither = emit.call("_not_bool", later)
    emit.locate([neither], origin.anchor, origin.end)
    is_true = emit.compare(first, "is", emit.constant(True))
    return emit.choose(is_true, then, emit.choose(is_false, otherwise, neither))
