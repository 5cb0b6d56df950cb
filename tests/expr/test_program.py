"""A program runs as CEL says, and every failure is an ExprError that helps."""

from types import SimpleNamespace

import pytest

from octo.expr import ERRORS, ExprError, Scope, compile  # noqa: A004 - the name of the API
from octo.expr.program import _compile
from octo.expr.values import Exact

BODY = {"name": "Ann", "n": 3, "total": 10.5, "none": None, "items": [{"sku": "a", "qty": 1}, {"qty": 2}]}


@pytest.mark.parametrize(
    ("text", "code", "column", "message"),
    [
        ("boody.name", 102, 1, "undeclared name 'boody'. Did you mean 'body'?"),
        ("nonsense + 1", 102, 1, "undeclared name 'nonsense'. Names here are body, vars, now, env; text needs quotes"),
        (
            "hello",
            102,
            1,
            "undeclared name 'hello'. Names here are body, vars, now, env; text needs quotes of its own: '\"hello\"'",
        ),
        ("body.name.upper()", 103, 11, "undeclared function 'upper'. Did you mean 'upperAscii'?"),
        ("maths.abs(1)", 103, 1, "undeclared function 'maths.abs'. Did you mean 'math.abs'?"),
        ("upperAscii(body.name)", 103, 1, "undeclared function 'upperAscii'. Call it like this: string.upperAscii()"),
        ('body.name.replace("a")', 104, 11, "replace takes 2 or 3 arguments, found 1."),
        ('"a" + 1', 105, 5, "no such overload: string + int. Convert the other side with string(...)"),
        ('1 + "a"', 105, 3, "no such overload: int + string."),
        ("1 + 1.0", 105, 3, "no such overload: int + double. Convert one side with int(...) or double(...)"),
        ('!"x"', 105, 1, "no such overload: !string"),
        ('"a".b', 105, 4, "cannot select 'b' of a string"),
        ('"a".startsWith(1)', 105, 5, "no such overload: string.startsWith(int)"),
        ("1 ? 2 : 3", 105, 1, "the condition before '?' must be a bool, found int"),
        ('body.name.matches("(")', 208, 19, "bad regular expression '(': "),
        ("9223372036854775808", 106, 1, "the number 9223372036854775808 does not fit into an int of 64 bits"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_what_is_wrong_before_it_runs_is_said_when_it_is_built(text, code, column, message, strict):
    scope = Scope(
        ("message",),
        {"body": "message.body", "vars": "message.vars", "now": "message.now"},
        constants={"env": {}},
        strict=strict,
    )
    with pytest.raises(ExprError) as caught:
        compile(text, scope)
    error = caught.value
    assert (error.code, error.line, error.column) == (f"OCTO-E{code}", 1, column)
    assert str(error).startswith(message)
    assert error.text == text


@pytest.mark.parametrize(
    ("text", "code", "column", "message"),
    [
        ("body.nmae", 201, 6, "no such key: nmae. Did you mean 'name'? Keys are name, n, total, none, items"),
        ('body["nmae"]', 201, 5, "no such key: nmae. Did you mean 'name'? Keys are name, n, total, none, items"),
        ("body[body.name]", 201, 5, "no such key: Ann. Keys are name, n, total, none, items"),
        ("body.items.map(i, i.sku)", 201, 21, "no such key: sku. Keys are qty"),
        ("cel.bind(x, body.nope, x)", 201, 18, "no such key: nope. Did you mean 'none'?"),
        ("env.HOTS", 201, 5, "no such key: HOTS. Did you mean 'HOST'? Keys are HOST, PORT"),
        ("{}.a", 201, 4, "no such key: a"),
        ("body.none.x", 202, 11, "cannot select 'x' of null"),
        ("body.name.x", 202, 11, "cannot select 'x' of a string"),
        ("body.items.x", 202, 12, "cannot select 'x' of a list"),
        ("body.n.x", 202, 8, "cannot select 'x' of an int"),
        ("body.name[0]", 202, 10, "cannot index a string"),
        ("has(body.items.x)", 202, 1, "cannot select 'x' of a list"),
        ("body.name + 1", 202, 11, "no such overload: string + int. Convert with string(...)"),
        ("body.name > 3", 202, 11, "no such overload: string > int"),
        ('body.n > "3"', 202, 8, "no such overload: int > string"),
        ("!body.n", 202, 1, "no such overload: !int"),
        ("-body.name", 202, 1, "no such overload: -string"),
        ("true && body.n", 202, 14, "expected a bool here, found an int. Compare it"),
        ("body.n || false", 202, 6, "expected a bool here, found an int. Compare it"),
        ("body.n ? 1 : 2", 202, 6, "expected a bool here, found an int. Compare it"),
        ("body.name in body.name", 202, 11, "no such overload: string in string. Write text.contains(part)"),
        ("body.n / 0", 203, 8, "division by zero"),
        ("body.n % 0", 203, 8, "modulus by zero"),
        ("9223372036854775807 + body.n", 204, 21, "integer overflow: the result does not fit into 64 bits"),
        ("body.items[5]", 205, 11, "index 5 is out of bounds: the list has 2 elements"),
        ("body.items[-1]", 205, 11, "index -1 is out of bounds: the list has 2 elements"),
        ("body.name.charAt(9)", 205, 11, "index 9 is out of bounds: the string has 3 characters"),
        ("int(body.name)", 206, 1, "cannot convert a string to int: 'Ann'"),
        ("body.name.matches(body.name + '(')", 208, 11, "bad regular expression 'Ann(': "),
        ('{"a": 1, "a": 2}', 209, 1, "the key 'a' is repeated"),
        ("{1: 1, true: 2}", 209, 1, "a map cannot hold both 1 and true as keys"),
        ("optional.none().value()", 209, 17, "the optional holds no value. Give a default with orValue(...)"),
        ("body.total + body.name", 202, 12, "no such overload: double + string."),
        ("1 == 1 &&\n  body.name.nope", 202, 13, "cannot select 'nope' of a string"),
    ],
)
def test_what_fails_when_it_runs_says_what_where_and_what_to_do(failure, text, code, column, message):
    error = failure(text, BODY)
    assert (error.code, error.column) == (f"OCTO-E{code}", column)
    assert error.line == 1 + text.count("\n")
    assert str(error).startswith(message)
    assert "\n" not in str(error)
    assert error.code in ERRORS


def test_no_more_than_eight_keys_are_shown(failure):
    error = failure("body.zzz", {f"key{number}": 0 for number in range(20)})
    assert error.hint == "Keys are key0, key1, key2, key3, key4, key5, key6, key7, ..."


def test_the_kind_is_proven(build):
    kinds = {
        "1": "int",
        "1u": "uint",
        "1.5": "double",
        '"a"': "string",
        'b"a"': "bytes",
        "null": "null",
        "[1]": "list",
        '{"a": 1}': "map",
        "body.a": "dyn",
        "body.a > 1": "bool",
        'body.a + "x"': "string",
        "body.a + 1": "dyn",
        "body.a * 2.0": "double",
        "body.items.map(i, i)": "list",
        'duration("1s")': "duration",
        "type(1)": "type",
        "body.?a": "optional",
        "size(body.a)": "int",
        "body.a ? 1 : 2": "int",
    }
    assert {text: build(text).kind for text in kinds} == kinds


def test_settled_results_are_known(build):
    json = [
        "body.a",
        '{"a": body.b, "c": [1, "x"]}',
        'body.items.map(i, {"n": i.name})',
        "body.a == 1",
        "size(body)",
        'b"a"',
        "[timestamp(0)]",
    ]
    other = ["1u", "body.a * 2.0", "{1: 2}", "body.?a", "type(1)"]
    assert [text for text in json if not build(text).is_settled] == []
    assert [text for text in other if build(text).is_settled] == []


def test_constants_and_names_are_known(build):
    assert build('"a" + "b"').is_constant
    assert build("env.HOST").is_constant
    assert not build("uuid()").is_constant
    assert not build("body.a").is_constant
    assert build("body.a + vars.b").names == {"body", "vars"}


def test_programs_are_cached_per_text_and_scope(build):
    assert build("body.a") is build("body.a")
    assert build("body.a") is not compile("body.a", Scope(("message",), {"body": "message.body"}))


def test_the_source_can_be_read(build):
    assert "return message.body['name']" in build("body.name").source


def test_inputs_are_not_changed_and_results_are_fresh(evaluate):
    body = {"items": [3, 1, 2], "map": {"a": 1}}
    first = evaluate("[body.items.sort(), body.items + [4], body.items.map(i, i)]", body)
    assert first == [[1, 2, 3], [3, 1, 2, 4], [3, 1, 2]]
    assert body == {"items": [3, 1, 2], "map": {"a": 1}}
    assert evaluate("[1, 2]") is not evaluate("[1, 2]")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("body.n + 1.5", 4.5),
        ("body.total * 2", 21.0),
        ("body.n / 2", 1.5),
        ("body.n / 2.0", 1.5),
        ("uint(2) + body.n", 5),
        ("math.round(body.n)", 3.0),
    ],
)
def test_numbers_of_json_mix_unless_strict(evaluate, failure, text, value):
    assert evaluate(text, BODY) == value
    strict = Scope(("message",), {"body": "message.body"}, strict=True)
    if text != "body.n / 2":
        assert failure(text, BODY, scope=strict).code == "OCTO-E202"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("body.nope == 1 || true", True),
        ("true || body.nope == 1", True),
        ("body.nope == 1 && false", False),
        ("body.items.exists(i, i.sku == 'a')", True),
        ("body.items.all(i, i.sku == 'b')", False),
        ("has(body.nope) ? body.nope : 'x'", "x"),
        ("body.?nope.orValue('x')", "x"),
        ("body.?name.orValue(body.nope)", "Ann"),
        ("cel.bind(x, body.nope, has(body.nope) ? x : 0)", 0),
        ("body.name == 'Ann' && body.n in [1, 2, 3] && !(body.n in [4])", True),
        ("body.items.sortBy(i, -i.qty).map(i, i.qty)", [2, 1]),
        ("body.items.filter(i, i.qty > 1).map(i, {'q': i.qty})", [{"q": 2}]),
        ("body.n == true || body.n == 1", False),
        ("[1, true, 1.0].map(x, x == 1)", [True, False, True]),
        ("1 in [true] || true in [1]", False),
        ("{true: 'a'}[?1].hasValue()", False),
        ("body.`name`", "Ann"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_values(evaluate, text, value, strict):
    scope = Scope(("message",), {"body": "message.body"}, strict=strict)
    assert evaluate(text, BODY, scope=scope) == value


def test_an_absorbed_error_leaves_no_garbage(build):
    import gc

    program = build("body.nope == 1 || true")
    message = SimpleNamespace(body={}, vars={})
    program(message)
    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            program(message)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_parse_only_mode_fails_where_it_is_reached():
    scope = Scope((), checked=False)
    assert compile("nope.f() || true", scope)() is True
    with pytest.raises(ExprError, match="undeclared name 'nope'"):
        compile("nope || false", scope)()


def test_names_may_have_dots_and_a_container():
    scope = Scope(("v",), {"a.b.x": "v[0]", "x": "v[1]"}, container="a.b")
    assert compile("x", scope)([1, 2]) == 1
    assert compile(".x", scope)([1, 2]) == 2
    assert compile("a.b.x", scope)([1, 2]) == 1


def test_a_program_in_use_is_not_compiled_again_however_many_there_are(build):
    """A reload asks for every expression of its configuration, which may be more than the cache keeps."""
    first = build("1 + 1")
    _compile.cache_clear()
    assert build("1 + 1") is first


NUMBERS = {"t": 5, "c": 2, "l": [1, 2, 3], "m": {"a": 4}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("body.t / body.c", 2.5),
        ("body.c / body.t * 100.0", 40.0),
        ("2 / body.t", 0.4),
        ("size(body.l) / body.c", 1.5),
        ("-body.t / 2", -2.5),
        ("(body.t + 2) / 2", 3.5),
        ("(body.t - size(body.l)) / 4", 0.5),
        ("body.l[1] / 4", 0.5),
        ("body.l.map(i, i / 2)", [0.5, 1.0, 1.5]),
        ("body.l.transformList(i, v, v / 2)", [0.5, 1.0, 1.5]),
        ("cel.bind(n, body.t, n / 2)", 2.5),
        ("body.?t.orValue(1) / 2", 2.5),
        ("math.greatest(1, body.t) / 2", 2.5),
        ("fromJson('5') / 2", 2.5),
        ("['5'].map(t, fromJson(t) / 2)", [2.5]),
        ("[body.t][0] / 2", 2.5),
        ("{'n': body.t}.n / 2", 2.5),
        ("(true ? body.t : 1) / 2", 2.5),
    ],
)
def test_a_number_that_may_come_from_json_divides_exactly(evaluate, build, text, value):
    assert evaluate(text, NUMBERS) == value
    assert build(text).dropped == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("int(body.t) / 2", 2),
        ("size(body.l) / 2", 1),
        ("body.l.size() / 2", 1),
        ("7 / 2", 3),
        ("(int(body.t) + 2) / 2", 3),
        ("cel.bind(n, int(body.t), n / 2)", 2),
        ("dyn(5) / 2", 2),
        ("[7, 8].map(i, (i + 0) / 2)", [3, 4]),
        ("body.l.transformList(i, v, i / 2)", [0, 0, 1]),
        ("lists.range(4).map(i, i / 2)", [0, 0, 1, 1]),
        ("{'n': 5}.n / 2", 2),
        ("[5][0] / 2", 2),
        ("-size(body.l) / 2", -1),
        ("(body.t > 3 ? 5 : 7) / 2", 2),
        ("math.greatest(1, size(body.l)) / 2", 1),
        ("5u / 2u", 2),
        ("[5u].map(i, i / 2u)", [2]),
    ],
)
def test_an_integer_that_the_expression_makes_divides_towards_zero(evaluate, build, text, value):
    assert evaluate(text, NUMBERS) == value
    assert build(text).dropped == (text.rindex(" / ") + 1,)


@pytest.mark.parametrize("text", ["6 / 2", "size(body) / 1", "int(7 / 2)", "int(size(body) / 2)", "7.0 / 2.0"])
def test_no_remainder_is_dropped_unnoticed(build, text):
    assert build(text).dropped == ()


ABSENT = [None, "x", 5, 2.5, Exact("1e400"), True, b"x"]


@pytest.mark.parametrize("value", ABSENT)
@pytest.mark.parametrize(
    "text", ["has(body.a)", "has(body.a.b)", "has(body.a.b.c)", "has(body['a'].b)", "has(body['a']['b'].c)"]
)
def test_what_has_no_fields_has_no_field(evaluate, text, value):
    assert evaluate(text, value) is False
    assert evaluate(f"cel.bind(m, {{'it': body}}, {text.replace('body', 'm.it')})", value) is False
    assert evaluate(f"{text} ? 'some' : 'none'", value) == "none"


@pytest.mark.parametrize("value", ABSENT)
def test_has_looks_below_a_field_without_fields(evaluate, value):
    body = {"a": value}
    assert evaluate("[has(body.a), has(body.a.b), has(body.a.b.c), has(body['a'].b)]", body) == [
        True,
        False,
        False,
        False,
    ]
    assert evaluate("[1, 2].exists(i, has(body.a.b))", body) is False


@pytest.mark.parametrize(
    ("text", "code"), [("has(body.b.c)", 201), ("has(body.a.b.c)", 202), ("has(body.a.b)", 202), ("has('x'.y)", 105)]
)
def test_has_still_fails_below_an_absent_field_and_on_lists(failure, text, code):
    assert failure(text, {"a": [1]}).code == f"OCTO-E{code}"


def test_has_reaches_any_depth(evaluate):
    body = {}
    for _ in range(60):
        body = {"a": body}
    assert evaluate(f"has(body{'.a' * 60})", body) is True
    assert evaluate(f"has(body{'.a' * 60}.b.c)", {"a": None}) is False
