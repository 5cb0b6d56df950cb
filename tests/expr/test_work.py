"""Every function of the library does work that is linear in the size of its arguments, alone and in a loop.

Work is counted, not timed. Lines of Python and calls of functions written in C are counted while a function runs. What
a function written in C does inside one call cannot be counted; that it is paid for can: the cost that a function
declares is compared with the size of all that it is given, and the number of calls in a loop with the budget.
"""

import ast
import builtins
import sys
from contextlib import suppress

import pytest
from hostile import BESIDES, arguments, called

from octo.expr import ExprError, Scope, compile, library  # noqa: A004 - the name of the API
from octo.expr.cost import part, scan, size
from octo.expr.environment import environment
from octo.expr.generate import emit
from octo.expr.generate.calls import _before
from octo.expr.generate.core import Generator, Value
from octo.expr.limits import Exhausted
from octo.expr.values import kind_of

NAMES = tuple(f"a{number}" for number in range(4))
UNREAD = frozenset(
    (
        *("size", "dyn", "type", "charAt", "lists.range", "slice", "first", "last", "multipart"),
        *("optional.of", "optional.none", "optional.ofNonZeroValue", "hasValue", "value", "or", "orValue"),
        *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
        *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
        *(f"math.{name}" for name in ("ceil", "floor", "round", "trunc", "isNaN", "isInf", "isFinite", "sqrt")),
    )
)
"""These look at no part of their arguments: they take an item, a length or a few machine words."""
OVERLOADS = [(overload, each) for each in library() for overload in each.overloads]
MIB = 1 << 20
KIB = 1 << 10
FUEL = MIB // 4
ROUNDS = FUEL // 64


def scope():
    return Scope(NAMES, {name: name for name in NAMES})


def given(makers, n):
    values = [make(n) for make in makers]
    return [*values, *[None] * (len(NAMES) - len(values))]


def hardest(overload):
    """The arguments made for this function, or the first for its kinds: a mebibyte takes a while to count."""
    makers = arguments(overload)
    return makers[-len(BESIDES[overload.name]) :] if overload.name in BESIDES else makers[:1]


class Steps:
    """Counts lines of Python and calls into C while it is open."""

    def __init__(self, *, lines):
        self.count = 0
        self.lines = lines
        self.calls = {}

    def line(self, frame, event, argument):
        del frame, argument
        self.count += event == "line"
        return self.line

    def call(self, frame, event, argument):
        del argument
        self.count += event in {"call", "c_call"}
        if event == "call":
            self.calls[frame.f_code] = self.calls.get(frame.f_code, 0) + 1

    def __enter__(self):
        self.before = sys.gettrace(), sys.getprofile()
        sys.setprofile(self.call)
        if self.lines:
            sys.settrace(self.line)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before[0])
        sys.setprofile(self.before[1])


def steps(function, values, *, lines=True):
    with Steps(lines=lines) as counted, suppress(ExprError, Exhausted):
        function(*values)
    return counted


@pytest.mark.parametrize(("overload", "function"), OVERLOADS, ids=lambda each: getattr(each, "text", ""))
def test_alone_the_steps_grow_with_the_size(overload, function):
    build = compile(called(overload), scope()).function
    for number, makers in enumerate(arguments(overload)):
        steps(build, given(makers, 16))  # modules are imported
        few, many = (steps(build, given(makers, n)).count for n in (KIB, 4 * KIB))
        assert many <= 4.5 * few + 500, (number, few, many)
        if function.cost.is_free:
            assert many <= few + 20, (number, few, many)


@pytest.mark.parametrize(("overload", "function"), OVERLOADS, ids=lambda each: getattr(each, "text", ""))
def test_alone_a_mebibyte_takes_steps_in_proportion(overload, function):
    """At most some thirty calls for each element, of which the smallest has four characters in JSON."""
    del function
    build = compile(called(overload), scope()).function
    for number, makers in enumerate(hardest(overload)):
        assert steps(build, given(makers, MIB), lines=False).count <= 8 * MIB, number


@pytest.mark.parametrize(("overload", "function"), OVERLOADS, ids=lambda each: getattr(each, "text", ""))
def test_what_is_read_is_paid_for(overload, function):
    """Unless the function is known to look at no part of its arguments."""
    for number, makers in enumerate(arguments(overload) if function.name not in UNREAD else ()):
        values = [make(64 * KIB) for make in makers]
        assert function.cost.before(*values) >= sum(map(size, values)), number


@pytest.mark.parametrize(("overload", "function"), OVERLOADS, ids=lambda each: getattr(each, "text", ""))
def test_generated_code_charges_what_the_function_declares(overload, function):
    """Also what it charges inline, for texts and for what is known when the expression is built."""
    for number, makers in enumerate(arguments(overload)):
        values = [make(KIB) for make in makers]
        price = function.cost.before(*values)
        proven = ["dyn" if is_large(value) else kind_of(value) for value in values]
        for kinds in (["dyn"] * len(values), proven):
            assert charged(function.cost, values, kinds, known=0) == price, number
        if makers and isinstance(values[-1], (str, int)):
            assert charged(function.cost, values, ["dyn"] * len(values), known=1) == price, number


def is_large(value):
    """Whether it is an int, but none of which that is proven: that has 64 bits."""
    return isinstance(value, int) and value.bit_length() > 64


def charged(cost, values, kinds, known):
    """What generated code takes for a call whose last arguments are literals."""
    g = Generator("", environment(scope()), {})
    names = [Value(emit.name(name), kind) for name, kind in zip(NAMES, kinds, strict=False)]
    literals = [g.literal(value) for value in values[len(values) - known :]]
    total, *looks = _before(g, cost, [*names[: len(values) - known], *literals])
    for each in looks:
        total = emit.binary(total, "+", each)
    tree = ast.fix_missing_locations(ast.Expression(total))
    given = {**g.constants, "_part": part, **dict(zip(NAMES, values, strict=False))}
    return eval(builtins.compile(tree, "<test>", "eval"), given)


def test_no_other_function_is_free():
    assert {function.name for _, function in OVERLOADS if not function.cost.reads} == UNREAD


@pytest.mark.parametrize(("overload", "function"), OVERLOADS, ids=lambda each: getattr(each, "text", ""))
def test_in_a_loop_the_budget_bounds_the_calls(overload, function, monkeypatch):
    """All that the calls read is paid for by one budget, and errors that the loop drops are no way around it."""
    monkeypatch.setattr("octo.expr.generate.loops.FUEL", FUEL)
    monkeypatch.setattr("octo.expr.cost.FUEL", FUEL)
    text = f"rounds.all(i, [{called(overload)}] != [] || true)"
    build = compile(text, Scope((*NAMES, "rounds"), {name: name for name in (*NAMES, "rounds")}))
    for number, makers in enumerate([*arguments(overload)[::4], *hardest(overload)]):
        values = given(makers, MIB)
        # Generated code converts to a string by itself; it pays for one level, and for the result.
        price = (scan if function.name == "string" else function.cost.before)(*values[: len(makers)])
        with Steps(lines=False) as counted:
            code = outcome(lambda values=values: build.function(*values, [0] * ROUNDS))
        calls = counted.calls.get(function.call.__code__, 0)
        assert calls * price <= FUEL, number
        assert code == "OCTO-E207" or price * ROUNDS <= FUEL, (number, code, price)


def outcome(evaluate):
    try:
        evaluate()
    except ExprError as error:
        return error.code
    return ""
