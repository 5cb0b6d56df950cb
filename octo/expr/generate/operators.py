"""Arithmetic, comparison, equality and membership: inline where kinds are proven or likely, else a call."""

import _ast as py
from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any

from octo.expr import runtime
from octo.expr.errors import ExprError
from octo.expr.generate import emit
from octo.expr.generate.core import Generator, Value, deeper
from octo.expr.limits import MAX_SIZE
from octo.expr.nodes import Binary, Node, Unary
from octo.expr.values import INT_MAX, INT_MIN

_HELPERS = {
    "+": "_add",
    "-": "_subtract",
    "*": "_multiply",
    "/": "_divide",  # and `_divide_whole` where no integer can come from JSON
    "%": "_modulo",
    "<": "_less",
    "<=": "_less_equal",
    ">": "_greater",
    ">=": "_greater_equal",
    "==": "_equal",
    "!=": "_not_equal",
}
_FOLDS: dict[str, Callable[[object, object], object]] = {
    "+": runtime.add_strict,
    "-": runtime.subtract_strict,
    "*": runtime.multiply_strict,
    "/": runtime.divide_strict,
    "%": runtime.modulo_strict,
}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_NUMBERS = frozenset(("int", "uint", "double"))
_JOINED = frozenset(("string", "bytes", "list"))
_ORDERED = frozenset(("bool", "string", "bytes", "timestamp", "duration"))
_NO_ARITHMETIC = frozenset(("bool", "null", "map", "type", "optional"))
_TIMES = {
    ("timestamp", "+", "duration"): "timestamp",
    ("duration", "+", "timestamp"): "timestamp",
    ("duration", "+", "duration"): "duration",
    ("timestamp", "-", "duration"): "timestamp",
    ("timestamp", "-", "timestamp"): "duration",
    ("duration", "-", "duration"): "duration",
}
_SHORT = 512
"""Shorter texts are compared inline, and for nothing: the round of the loop is paid for."""
# With an operand of these kinds, Python's comparison equals CEL's: for any other kind on the other side it raises
# TypeError. With a list it would compare, which CEL does not do.
_SAFE_TO_COMPARE = frozenset(("string", "bytes", "timestamp", "duration"))


def binary(g: Generator, node: Binary) -> Value:
    """Translate a chain of operators, which nests to the left, from its far end, so that it needs no recursion."""
    chain = [node]
    while isinstance(chain[-1].left, Binary):
        chain.append(chain[-1].left)
    left = g.value(chain[-1].left)
    unknown = int(not left.is_known)
    for step in reversed(chain):
        block, count = g.block, len(g.block)
        right = g.value(step.right)
        unknown += not right.is_known
        left = _binary(g, step, left, right)
        if step is node and unknown > 1:
            left = _bounded(g, node, left)
        if left.depth > 20:
            left = g.keep(left)
        emit.locate((left.node, *block[count:]), step.anchor, step.end)
        if step is not node:
            left = g.watched(step, left)
    return left


def _bounded(g: Generator, node: Binary, total: Value) -> Value:
    """A sum of texts, refused if it is too long. In loops and bindings each part is metered instead.

    The sum of one text and literals needs no check: it is hardly longer than the text.
    """
    if g.repeats or node.operator != "+" or total.kind not in {"string", "bytes"}:
        return total
    first, later = g.twice(total)
    fits = emit.compare(emit.call("len", first), "<=", emit.constant(MAX_SIZE))
    total.node = emit.choose(fits, later, emit.call("_too_long", later))
    total.depth += 2
    return total


def _binary(g: Generator, node: Binary, left: Value, right: Value) -> Value:
    symbol = node.operator
    if symbol == "in":
        return _within(g, node, left, right)
    if symbol in {"==", "!="}:
        return _equality(g, symbol, left, right)
    if symbol in {"<", "<=", ">", ">="}:
        return _comparison(g, node, left, right)
    return _arithmetic(g, node, left, right)


# -- arithmetic


def _arithmetic(g: Generator, node: Binary, left: Value, right: Value) -> Value:
    symbol = node.operator
    kind = _result(symbol, left.kind, right.kind, g.environment.scope.strict)
    if kind is None:
        raise _clash(g, node, left, right)
    if symbol == "/" and left.made and right.made and "double" not in {left.kind, right.kind}:
        _note_remainder(g, node, left, right)
    folded = _fold(g, symbol, kind, left, right)
    if folded is not None:
        return folded
    if symbol == "+":
        left, right = g.operand(left), g.operand(right)
    depth = deeper(left, right, by=3)
    is_settled = kind in {"string", "bytes", "int", "timestamp", "duration"}
    if symbol == "/" and left.made and right.made and "double" not in {left.kind, right.kind}:
        quotient = emit.call("_divide_strict" if g.environment.scope.strict else "_divide_whole", left.node, right.node)
        return Value(quotient, kind, True, is_settled, depth).of(left, right)
    if kind == left.kind == right.kind:
        node_, fallible = _same(g, symbol, kind, left, right)
        value = Value(node_, kind, fallible or left.fallible or right.fallible, is_settled, depth)
    else:
        value = Value(_mixed(g, symbol, left, right), kind, True, is_settled, depth)
    value.of(left, right)
    return value.sharing(left, right) if symbol == "+" and kind in {"list", "dyn"} else value


def _note_remainder(g: Generator, node: Binary, left: Value, right: Value) -> None:
    one, other = left.constant, right.constant
    if isinstance(other, int) and (other in (0, 1) or (isinstance(one, int) and one % other == 0)):
        return
    g.dropped.add(node.anchor)


def _result(symbol: str, left: str, right: str, strict: bool) -> str | None:
    """The kind of the result: "dyn" when it is not known, None when the operator does not take such operands."""
    if left == right:
        fits = left in _NUMBERS and not (symbol == "%" and left == "double")
        if left == "dyn" or fits or (symbol == "+" and left in _JOINED):
            return left
        return _TIMES.get((left, symbol, right))
    if "dyn" not in {left, right}:
        return _TIMES.get((left, symbol, right))
    return _half_known(symbol, right if left == "dyn" else left, strict)


def _half_known(symbol: str, known: str, strict: bool) -> str | None:
    """The kind of the result when only one operand's kind is known."""
    if known in _JOINED:
        return known if symbol == "+" else None
    if known in _NO_ARITHMETIC or (symbol not in "+-" and known not in _NUMBERS) or (symbol, known) == ("%", "double"):
        return None
    return known if known == "double" or (strict and known in _NUMBERS) else "dyn"


def _clash(g: Generator, node: Binary, left: Value, right: Value) -> ExprError:
    hint = ""
    kinds = {left.kind, right.kind}
    if node.operator == "+" and "string" in kinds and kinds & {"int", "uint", "double", "bool"}:
        hint = "Convert the other side with string(...)"
    elif len(kinds) == 2 and kinds <= _NUMBERS:
        hint = "Convert one side with int(...) or double(...)"
    return g.clash(f"no such overload: {left.kind} {node.operator} {right.kind}", node.anchor, hint)


def _fold(g: Generator, symbol: str, kind: str, left: Value, right: Value) -> Value | None:
    """The result when both operands are literals. An operation that fails is left to fail at run time."""
    if not (left.is_known and right.is_known) or left.kind != right.kind:
        return None
    try:
        result = _FOLDS[symbol](left.constant, right.constant)
    except ExprError:
        return None
    return g.literal(result, kind) if len(str(result)) < 1000 else None


def _same(g: Generator, symbol: str, kind: str, left: Value, right: Value) -> tuple[py.expr, bool]:
    """The expression for two operands proven to be of one kind, and whether it can fail."""
    if symbol == "%":
        return _helper(g, symbol, left.node, right.node), True
    plain = emit.binary(left.node, symbol, right.node)
    if kind == "double" and (symbol in "+-*" or (right.is_known and right.constant != 0.0)):
        return plain, False
    if kind == "int" and symbol in "+-*":
        result = g.temporary()
        fits = _fits(emit.walrus(result, plain))
        return emit.choose(fits, emit.name(result), emit.call("_overflow")), True
    if kind in {"string", "bytes"} and not g.repeats:
        return plain, False
    if kind in _JOINED:
        return g.metered(emit.call("_concat", left.node, right.node)), True
    helper = _helper(g, symbol, left.node, right.node)
    return (g.metered(helper) if kind == "dyn" and symbol == "+" else helper), True


def _mixed(g: Generator, symbol: str, left: Value, right: Value) -> py.expr:
    """The expression when not both kinds are proven: a class test chooses between the inline path and a call."""
    known, unknown = (left, right) if right.kind == "dyn" else (right, left)
    cls = {"int": "int", "double": "float", "string": "str"}.get(known.kind)
    divides = symbol in "/%" and not (
        symbol == "/" and known is right and known.kind == "double" and known.is_known and known.constant != 0.0
    )
    if cls is None or divides or unknown.kind != "dyn" or not known.is_simple:
        return (
            g.metered(_helper(g, symbol, left.node, right.node))
            if symbol == "+"
            else _helper(g, symbol, left.node, right.node)
        )
    first, later = g.twice(unknown)
    operands = (known.node, later) if known is left else (later, known.node)
    fast = emit.binary(operands[0], symbol, operands[1])
    slow = _helper(g, symbol, *operands)
    test = emit.is_class(first, cls)
    if cls == "int":
        result = g.temporary()
        return emit.choose(emit.both(test, _fits(emit.walrus(result, fast))), emit.name(result), slow)
    if cls == "str":
        return g.metered(emit.choose(test, fast, slow), "len")
    return emit.choose(test, fast, slow)


def _fits(value: py.expr) -> py.expr:
    return emit.compare(emit.constant(INT_MIN), "<=", value, "<=", emit.constant(INT_MAX))


def _helper(g: Generator, symbol: str, left: py.expr, right: py.expr) -> py.expr:
    strict = "_strict" if symbol in "+-*/%" and g.environment.scope.strict else ""
    return emit.call(_HELPERS[symbol] + strict, left, right)


# -- comparison


def _comparison(g: Generator, node: Binary, left: Value, right: Value) -> Value:
    symbol, kinds = node.operator, {left.kind, right.kind}
    depth = deeper(left, right, by=3)
    if "dyn" not in kinds:
        if not (kinds <= _NUMBERS or (len(kinds) == 1 and kinds <= _ORDERED)):
            raise _clash(g, node, left, right)
        mixes = "double" in kinds and len(kinds) == 2
        plain = _ordered(g, symbol, left, right, _HELPERS[symbol] if mixes else "")
        return Value(plain, "bool", left.fallible or right.fallible, True, depth)
    known, unknown = (left, right) if right.kind == "dyn" else (right, left)
    if known.kind in _SAFE_TO_COMPARE:
        return Value(_ordered(g, symbol, left, right), "bool", True, True, depth)
    if known.kind not in _NUMBERS or not _is_exact(known):
        if known.kind in {"null", "map", "list", "type", "optional"}:
            raise _clash(g, node, left, right)
        return Value(_ordered(g, symbol, left, right, _HELPERS[symbol]), "bool", True, True, depth)
    return Value(_with_number(g, symbol, known, unknown, known is left), "bool", True, True, depth)


def _ordered(g: Generator, symbol: str, left: Value, right: Value, helper: str = "") -> py.expr:
    """The comparison, charged for long texts where it can be repeated and neither side is a literal."""
    if g.repeats and not (left.is_known or right.is_known):
        left = left if left.is_simple else g.keep(left)
        right = right if right.is_simple else g.keep(right)
        return g.charged(_compared(symbol, left, right, helper), left)
    return _compared(symbol, left, right, helper)


def _compared(symbol: str, left: Value, right: Value, helper: str) -> py.expr:
    return emit.call(helper, left.node, right.node) if helper else emit.compare(left.node, symbol, right.node)


def _with_number(g: Generator, symbol: str, number: Value, unknown: Value, is_left: bool) -> py.expr:
    """Compare with a literal number. Python takes a bool for 0 or 1, CEL does not.

    When False and True would both compare the same way, a bool can only be behind that outcome: only there is it
    checked.
    """

    def ordered(other: py.expr) -> tuple[py.expr, py.expr]:
        return (number.node, other) if is_left else (other, number.node)

    compare, constant = _ORDERS[symbol], number.constant
    of_bools = {compare(constant, each) if is_left else compare(each, constant) for each in (0, 1)}
    first, later = g.twice(unknown)
    slow = _helper(g, symbol, *ordered(later))
    if len(of_bools) == 2:
        left, right = ordered(later)
        return emit.choose(emit.is_not_bool(first, later), emit.compare(left, symbol, right), slow)
    left, right = ordered(first)
    fast = emit.compare(left, symbol, right)
    if of_bools == {False}:
        return emit.either(fast, emit.both(emit.is_bool(later, later), slow))
    return emit.both(fast, emit.either(emit.is_not_bool(later, later), slow))


def _is_exact(number: Value) -> bool:
    """Whether Python compares the literal with ints and doubles as CEL does: up to 2**53 no precision is lost."""
    return isinstance(number.constant, (int, float)) and abs(number.constant) <= 2**53


def _equality(g: Generator, symbol: str, left: Value, right: Value) -> Value:
    if left.is_known and right.is_known:
        return g.literal(runtime.equal(left.constant, right.constant) is (symbol == "=="))
    fallible = left.fallible or right.fallible
    inline = _equal_inline(g, symbol, left, right)
    depth = deeper(left, right, by=3)
    if inline is not None:
        return Value(inline, "bool", fallible, True, depth)
    if g.repeats:
        left, right = (each if each.is_simple else g.keep(each) for each in (left, right))
    is_literal = left.is_known or right.is_known
    helper = _equal_helper(g, symbol, left, right)
    if left.kind != "dyn" or not (left.is_simple and right.is_simple):
        return Value(helper, "bool", True, True, depth)
    plain = emit.compare(left.node, symbol, right.node)
    ints = emit.both(emit.is_class(left.node, "int"), emit.is_class(right.node, "int"))
    texts = emit.is_class(left.node, "str")
    if g.repeats and not is_literal:
        texts = emit.both(texts, emit.compare(emit.call("len", left.node), "<", emit.constant(_SHORT)))
    fast = emit.choose(emit.either(texts, ints), plain, helper)
    return Value(fast, "bool", True, True, depth)


def _equal_inline(g: Generator, symbol: str, left: Value, right: Value) -> py.expr | None:
    """Python's own comparison, if the known kinds prove that it equals CEL's; it cannot fail."""
    known, unknown = (left, right) if right.kind == "dyn" or not right.is_known else (right, left)
    if known.kind == "null" or (known.is_known and known.kind == "bool"):
        single = emit.constant(known.constant if known.is_known else None)
        return emit.compare(unknown.node, "is" if symbol == "==" else "is not", single)
    kinds = {known.kind, unknown.kind}
    if kinds <= _NUMBERS or ("string" in kinds and (known.is_known or not g.repeats)):
        return emit.compare(left.node, symbol, right.node)
    if known.is_known and known.kind in {"int", "double"}:
        return _equal_number(g, symbol, unknown, known)
    return None


def _equal_helper(g: Generator, symbol: str, left: Value, right: Value) -> py.expr:
    """Equality of any two values. Where it can be evaluated repeatedly, it charges for what it looks at."""
    if not g.repeats:
        return _helper(g, symbol, left.node, right.node)
    return _metered(g, "_equal_metered", left, right, negated=symbol == "!=")


def _metered(g: Generator, function: str, left: Value, right: Value, *, negated: bool = False) -> py.expr:
    """A call of a function that also returns what it leaves of `space`."""
    g.meters = True
    both = g.temporary()
    asked = emit.walrus(both, emit.call(function, left.node, right.node, emit.name("space")))
    rest = emit.walrus("space", emit.subscript(asked, emit.constant(1)))
    enough = emit.compare(rest, ">=", emit.constant(0))
    answer = emit.subscript(emit.name(both), emit.constant(0))
    return emit.choose(enough, emit.invert(answer) if negated else answer, emit.call("_exhausted"))


def _equal_number(g: Generator, symbol: str, unknown: Value, number: Value) -> py.expr:
    """Compare with a literal number. In Python True equals 1 and False 0, in CEL they do not."""
    if number.constant not in (0, 1):
        return emit.compare(unknown.node, symbol, number.node)
    first, later = g.twice(unknown)
    lookalike = emit.constant(number.constant == 1)
    if symbol == "==":
        return emit.both(emit.compare(first, "==", number.node), emit.compare(later, "is not", lookalike))
    return emit.either(emit.compare(first, "!=", number.node), emit.compare(later, "is", lookalike))


# -- membership


def _within(g: Generator, node: Binary, left: Value, right: Value) -> Value:
    depth = deeper(left, right, by=3)
    if right.kind not in {"dyn", "list", "map"}:
        hint = "Write text.contains(part)" if right.kind == "string" else ""
        raise g.clash(f"no such overload: {left.kind} in {right.kind}", node.anchor, hint)
    if isinstance(right.node, py.List) and _is_text(right.node) and left.kind in {"dyn", "string"}:
        choices = py.Tuple(elts=right.node.elts, ctx=emit.LOAD)
        return Value(emit.compare(left.node, "in", choices), "bool", left.fallible, True, depth)
    g_right = right if right.is_simple else g.keep(right)
    fast: list[py.expr] = [emit.is_class(g_right.node, "dict")]
    if left.kind == "string" and left.is_simple:
        fast = fast if g.repeats else [emit.either(*fast, emit.is_class(g_right.node, "list"))]
    else:
        left = left if left.is_simple else g.keep(left)
        fast.append(emit.is_class(left.node, "str"))
    plain = emit.compare(left.node, "in", g_right.node)
    if g.repeats:
        left = left if left.is_simple else g.keep(left)
        helper = _metered(g, "_within_metered", left, g_right)
    else:
        helper = emit.call("_within", left.node, g_right.node)
    return Value(emit.choose(emit.both(*fast), plain, helper), "bool", True, True, depth)


def _is_text(node: py.List) -> bool:
    return all(isinstance(item, py.Constant) and isinstance(item.value, str) for item in node.elts)


# -- unary


def unary(g: Generator, node: Unary) -> Value:
    operand = g.value(node.operand)
    return (_not if node.operator == "!" else _minus)(g, node, operand)


def _not(g: Generator, node: Unary, operand: Value) -> Value:
    if operand.kind == "bool":
        return Value(emit.invert(operand.node), "bool", operand.fallible, True, deeper(operand))
    _require(g, node, operand, {"dyn"})
    return Value(emit.call("_invert", operand.node), "bool", True, True, deeper(operand))


def _minus(g: Generator, node: Unary, operand: Value) -> Value:
    _require(g, node, operand, {"dyn", "int", "double"})
    if operand.kind == "double":
        negative = py.UnaryOp(op=py.USub(), operand=operand.node)
        return Value(negative, "double", operand.fallible, False, deeper(operand))
    if operand.constant.__class__ is int and operand.constant != INT_MIN:
        return g.literal(-operand.constant, "int")
    is_int = operand.kind == "int"
    return Value(emit.call("_negate", operand.node), operand.kind, True, is_int, deeper(operand)).of(operand)


def _require(g: Generator, node: Node, operand: Value, kinds: set[str]) -> None:
    if operand.kind not in kinds:
        assert isinstance(node, Unary)
        raise g.clash(f"no such overload: {node.operator}{operand.kind}", node.start)
