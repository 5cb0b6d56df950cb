"""Generated code computes CEL and nothing else, and agrees with the slow paths."""

import ast
import math
import operator
import random
from types import SimpleNamespace

import pytest
from hypothesis import given, settings, strategies as st
from programs import VALUES, expression

from octo.expr import ExprError, Scope, compile, settle  # noqa: A004 - the name of the API
from octo.expr.environment import environment
from octo.expr.function import function
from octo.expr.generate import generate
from octo.expr.generate.audit import violations
from octo.expr.parser import parse
from octo.expr.program import _BUILTINS, link
from octo.expr.values import INT_MAX, INT_MIN, kind_of

# The first example of a run pays for imports.
UNHURRIED = settings(deadline=None)

# -- safety


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "__builtins__",
        "_failure",
        "_add(1, 2)",
        "len('x')",
        "body.__class__",
        "body.__class__.__mro__",
        "''.__class__",
        "[].append(1)",
        "body.items()",
        "message",
        "message.body",
        "error",
        "budget",
        "exec('1')",
        "{}.__init__",
        "'%s'.__mod__('x')",
        "Exception",
        "constant_0",
    ],
)
def test_python_cannot_be_reached(evaluate, text):
    with pytest.raises(ExprError):
        evaluate(text, {"a": 1})


@pytest.mark.parametrize("quote", ["'", '"', "'''", '"""'])
@pytest.mark.parametrize(
    "hostile", ["\\n__import__('os').abort()", "{boom}", "%s", "\\x00", "\\u2028", ") or (", "#", "\\\\"]
)
def test_a_literal_stays_a_literal(evaluate, quote, hostile):
    hostile = hostile.replace("'", "")
    assert evaluate(f"[{quote}{hostile}{quote}].map(x, x)[0] == {quote}{hostile}{quote}")


@pytest.mark.parametrize(
    "name", ["True_", "lambda", "None", "class_", "def", "exec", "__debug__", "print", "del", "is"]
)
def test_a_variable_may_be_called_like_anything_in_python(evaluate, name):
    assert evaluate(f"[1, 2].map({name}, {name} + 1)") == [2, 3]
    assert evaluate(f"cel.bind({name}, 1, {name} + {name})") == 2
    assert evaluate(f"body.{name}", {name: 5}) == 5


def test_a_field_may_be_called_like_anything(evaluate):
    assert evaluate("body.`a/b-c.d`", {"a/b-c.d": 1}) == 1


def test_generated_code_has_no_builtins(build):
    assert "__import__" not in build("1 + 1").function.__globals__["__builtins__"]
    assert "open" not in build("1 + 1").function.__globals__["__builtins__"]


# -- arithmetic against a model

INTS = st.integers(INT_MIN, INT_MAX)
SCOPE = Scope(("a", "b"), {"a": "a", "b": "b"})


def quotient(a, b):
    return abs(a) // abs(b) * (1 if (a < 0) is (b < 0) else -1)


MODEL = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": quotient,
    "%": lambda a, b: a - b * quotient(a, b),
}


@UNHURRIED
@given(INTS, INTS, st.sampled_from("+-*/%"))
def test_int_arithmetic_is_exact_or_an_error(a, b, symbol):
    expected = None if b == 0 and symbol in "/%" else MODEL[symbol](a, b)
    if expected is not None and not INT_MIN <= expected <= INT_MAX:
        expected = None
    from_outside = (f"a {symbol} b", f"{a} {symbol} b", f"a {symbol} ({b})") if symbol != "/" else ()
    for text in (*from_outside, f"int(a) {symbol} int(b)", f"{a} {symbol} ({b})"):
        try:
            actual = compile(text, SCOPE)(a, b)
        except ExprError as error:
            assert expected is None, text
            assert error.code in {"OCTO-E203", "OCTO-E204"}  # noqa: PT017 - success is as good
        else:
            assert actual == expected, text


@UNHURRIED
@given(INTS, INTS.filter(bool))
def test_numbers_from_outside_divide_exactly(a, b):
    for text in ("a / b", f"{a} / b", f"a / ({b})", "int(a) / b"):
        actual = compile(text, SCOPE)(a, b)
        assert actual.__class__ is float, text
        assert actual == a / b, text


@UNHURRIED
@given(st.floats(), st.floats(), st.sampled_from("+-*"))
def test_double_arithmetic_is_that_of_python(a, b, symbol):
    actual = compile(f"a {symbol} b", SCOPE)(a, b)
    expected = MODEL[symbol](a, b)
    assert actual == expected or (math.isnan(actual) and math.isnan(expected))


SCALARS = st.one_of(st.none(), st.booleans(), INTS, st.floats(), st.text(max_size=3))
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
)


def cel_equal(a, b):
    """Equality as CEL defines it, written a second time."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(cel_equal, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(cel_equal(a[key], b[key]) for key in a)
    return a == b


@UNHURRIED
@given(JSON, JSON)
def test_equality_is_that_of_cel_wherever_it_stands(a, b):
    expected = cel_equal(a, b)
    for text in ("a == b", "!(a != b)", "[a].exists(x, x == b)", "cel.bind(x, b, x == a)", "[a] == [b]", "a in [b]"):
        assert compile(text, SCOPE)(a, b) is expected, text


@UNHURRIED
@given(JSON)
def test_a_value_equals_itself_unless_it_holds_nan(value):
    assert compile("a == a", SCOPE)(value, None) is cel_equal(value, value)


@UNHURRIED
@given(JSON)
def test_json_text_round_trips(value):
    try:
        text = compile("toJson(a)", SCOPE)(value, None)
    except ExprError as error:
        assert error.code == "OCTO-E210"  # noqa: PT017 - success is as good
    else:
        assert compile("fromJson(b)", SCOPE)(None, text) == value


# -- conditions

ORDERED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def outcome(text, *arguments, scope=SCOPE):
    """The value, or the text of the error."""
    try:
        return compile(text, scope)(*arguments)
    except ExprError as error:
        return error.code, error.message


@UNHURRIED
@given(st.one_of(INTS, st.floats(), st.booleans()), st.sampled_from([-1, 0, 0.5, 1, 1.0, 2]), st.sampled_from("<=>"))
def test_a_bool_is_no_number_whatever_it_is_compared_with(a, number, symbol):
    for operation in {symbol, f"{symbol}="} & ORDERED.keys():
        compare = ORDERED[operation]
        no = f"no such overload: bool {operation} {kind_of(number)}"
        expected = ("OCTO-E202", no) if isinstance(a, bool) else compare(a, number)
        assert outcome(f"a {operation} {number}", a, None) == expected
        assert outcome(f"[a].exists(x, x {operation} {number})", a, None) == expected
        no = f"no such overload: {kind_of(number)} {operation} bool"
        expected = ("OCTO-E202", no) if isinstance(a, bool) else compare(number, a)
        assert outcome(f"{number} {operation} a", a, None) == expected


LEAVES = ["x.t", "x.f", "x.nope", "x.n", "x.n > 1", "x.n >= 0", "x.t < 1", "!x.f", "x.l.all(y, y > 1 || x.t)", "true"]


def joined(parts):
    operators = st.sampled_from([" && ", " || "])
    return st.builds(lambda texts, by: f"({by.join(texts)})", st.lists(parts, min_size=2, max_size=3), operators)


CONDITIONS = joined(st.recursive(st.sampled_from(LEAVES), joined, max_leaves=6))
ELEMENTS = st.fixed_dictionaries(
    {},
    optional={
        "t": st.sampled_from([True, True, None]),
        "f": st.just(False),
        "n": st.sampled_from([0, 2, 2.5, True, "a"]),
        "l": st.lists(st.sampled_from([1, 2, None]), max_size=2),
    },
)


@settings(deadline=None, max_examples=120)
@given(CONDITIONS, ELEMENTS)
def test_a_condition_means_the_same_in_a_loop(text, element):
    """In a loop the plain condition is tried first: this must not change which errors count."""
    scope = Scope(("x",), {"x": "x"})
    expected = outcome(text, element, scope=scope)
    filtered = {True: [element], False: []}.get(expected, expected)
    assert outcome(f"[x].filter(x, {text})", element, scope=scope) == filtered
    for macro in ("exists", "all", "exists_one"):
        assert outcome(f"[x].{macro}(x, {text})", element, scope=scope) == expected


def test_a_function_that_counts_is_not_called_to_try():
    calls = []

    @function("tick() -> bool", pure=False)
    def tick():
        calls.append(1)
        return True

    scope = Scope(("x",), {"x": "x"}, functions=(tick,))
    assert compile("[x].filter(i, tick() && i.nope && false)", scope)({}) == []
    assert len(calls) == 1


# -- nothing but what is allowed


def test_random_programs_consist_of_allowed_code():
    dice, scope = random.Random(1), Scope(("m",), {"a": "m.a", "b": "m.b"})
    builtins, seen = frozenset(_BUILTINS), 0
    for _ in range(3000):
        text = expression(dice, dice.randint(0, 4))
        try:
            generated = generate(text, parse(text), environment(scope))
        except ExprError:
            continue
        seen += 1
        assert violations(generated, scope, builtins) == [], text
    assert seen > 300


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import os", "the syntax Import"),
        ("eval('1')", "the name eval"),
        ("m.__globals__", "the attribute __globals__"),
        ("m.append(key=m)", "the syntax keyword"),
        ("lambda: m", "the syntax Lambda"),
        ("len = 1", "the name len is taken"),
        ("m[1:2]", "the syntax Slice"),
    ],
)
def test_other_code_would_be_found(code, problem):
    generated = generate("1", parse("1"), environment(SCOPE))._replace(module=ast.parse(code))
    assert problem in violations(generated, Scope(("m",)), frozenset(_BUILTINS))


def test_a_translation_that_breaks_the_rules_is_never_run():
    generated = generate("1", parse("1"), environment(SCOPE))._replace(module=ast.parse("def expression(): len = 1"))
    with pytest.raises(ExprError, match="the name len is taken"):
        link("1", Scope(("m",)), generated)


GENERATED = [
    *("t", "t_1", "t_2", "v", "v_a", "v_v", "k", "constant", "constant_0", "k_constant", "dispatch", "matches", "size"),
    *("error", "caught", "found", "part", "part_1", "budget", "space", "expression", "message", "m", "x", "now"),
    *("len", "list", "str", "_weight", "_scan", "_failure", "_stopped", "_none", "_saw", "_stepped", "_decided"),
    *("__builtins__", "__class__", "startswith", "append", "value", "None_", "lambda", "def", "self", "yield"),
]
"""Names that generated code uses, or might: an author may use each of them for a variable."""


@pytest.mark.parametrize("name", GENERATED)
def test_a_variable_of_a_macro_may_be_called_like_anything_in_generated_code(evaluate, name):
    other = "other_1" if name != "other_1" else "other"
    held = "7u, 8u, 9u, 10u, 11u, 12u"  # enough of them that one has the number of the variable
    assert evaluate(f"[10, 20].map({name}, [{held}, {name}])") == [[7, 8, 9, 10, 11, 12, each] for each in (10, 20)]
    assert evaluate(f"[2].map({name}, [1, 2].exists({other}, {other} == {name}) && [{held}].size() == 6)") == [True]
    assert evaluate(f"[1, 2].exists({name}, {name} == 2 && 1 / {name} == 0)") is True
    assert evaluate(f"[[1], [2]].map({name}, {name}.map({other}, {name}[0] + {other} + size('ab')))") == [[4], [6]]
    assert evaluate(f'cel.bind({name}, "a" + "b", {name} + {name}.upperAscii())') == "abAB"
    assert evaluate(f"optional.of(3).optMap({name}, [{name}, 7u, 8u])").value == [3, 7, 8]
    assert evaluate(f"[3, 1].transformList({name}, {other}, {name} * 10 + {other})") == [3, 11]


# -- folding


@pytest.mark.parametrize("text", ['cidr("10.0.0.0/8")', '"a".upperAscii()', "math.abs(-1)", 'duration("1h")'])
def test_a_function_of_literals_is_computed_once(build, text):
    assert "(" not in build(text).source.partition("return")[2].partition("\n")[0]


def test_what_fails_is_left_to_where_it_is_reached(evaluate):
    assert evaluate('true || "abc".charAt(9) == ""') is True


def test_what_is_built_is_built_anew(evaluate):
    assert evaluate('"a,b".split(",")') is not evaluate('"a,b".split(",")')


# -- random programs


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_end_in_a_value_or_an_expression_error(seed):
    dice = random.Random(seed)
    scopes = [Scope(("m",), {"a": "m.a", "b": "m.b"}, strict=dice.random() < 0.3, checked=dice.random() < 0.3)]
    for _ in range(120):
        text = expression(dice, dice.randint(1, 4))
        try:
            program = compile(text, scopes[0])
        except ExprError:
            continue
        for _ in range(3):
            message = SimpleNamespace(a=dice.choice(VALUES), b=dice.choice(VALUES))
            before = repr(message)
            try:
                result = program(message)
            except ExprError as error:
                assert error.code != "OCTO-E211", (text, message, str(error))  # noqa: PT017 - success is as good
                continue
            assert repr(message) == before, text
            assert program.kind in {"dyn", kind_of(result)}, text
            if program.is_settled and "nan" not in before and "1e+308" not in before:
                assert settle(result) is result, text
