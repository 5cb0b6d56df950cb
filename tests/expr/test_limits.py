"""Whatever an expression does, it ends soon: with a value or with an ExprError."""

import pytest

from octo.expr import ExprError, to_json

BODY = {"big": "x" * 1_000_000, "list": list(range(10_000))}


def binds(count, step, seed, end):
    """Bindings, each twice as large as the one before."""
    inner = "".join(f"cel.bind(a{n + 1}, {step.format(a=f'a{n}')}, " for n in range(count))
    return f"cel.bind(a0, {seed}, {inner}{end.format(a=f'a{count}')}{')' * (count + 1)}"


EXPENSIVE = [
    "lists.range(1000000000000)",
    "lists.range(5000000).map(i, i)",
    "lists.range(1000000).map(i, lists.range(1000000))",
    "lists.range(1000).all(a, lists.range(1000).all(b, lists.range(1000).all(c, true)))",
    "lists.range(1000).exists(a, lists.range(1000).exists(b, lists.range(1000).exists(c, false)))",
    "cel.bind(l, lists.range(100000), l.all(i, !(-1 in l)))",
    "cel.bind(l, lists.range(1000), lists.range(100000).all(i, l == lists.range(1000)))",
    "lists.range(1000000).map(i, body.big + body.big)",
    "lists.range(1000000).map(i, body.big.upperAscii())",
    'lists.range(1000000).map(i, "abc".split(""))',
    'lists.range(100000).all(i, !body.big.contains("y"))',
    'lists.range(100000).all(i, !body.big.matches("y"))',
    'lists.range(100000).all(i, body.big.indexOf("y") < 0)',
    'lists.range(100000).exists(i, body.big.contains("x") && body.nope)',
    "lists.range(100000).map(i, body.big).join()",
    'body.big.replace("x", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy")',
    'body.big.replace("", body.big)',
    'regex.replace(body.big, "x", body.big)',
    binds(40, "{a} + {a}", '"xxxxxxxx"', "size({a})"),
    binds(40, "{a} + {a}", "[1]", "size({a})"),
    binds(60, "[{a}, {a}]", "[1]", '"%s".format([{a}])'),
    " == ".join([binds(60, "[{a}, {a}]", "[1]", "{a}")] * 2),
    "toJson([[1]]" + ".map(a, [a, a])" * 60 + ")",
    "[[1]]" + ".map(a, [a, a])" * 60,
]


@pytest.mark.parametrize("text", EXPENSIVE, ids=lambda text: text[:50])
def test_what_is_too_expensive_is_stopped(evaluate, text):
    with pytest.raises(ExprError) as caught:
        to_json(evaluate(text, BODY))
    assert caught.value.code == "OCTO-E207"


def test_a_spent_budget_is_not_absorbed(failure):
    assert failure("lists.range(2000000).all(i, true) || true").code == "OCTO-E207"


def test_a_result_that_multiplies_as_json_is_not_taken_for_json(build):
    assert not build("body" + ".map(a, [a, a])" * 60).is_settled
    assert not build("cel.bind(a, body, [a, a])").is_settled


def test_honest_work_stays_within_the_budget(evaluate):
    records = [{"id": number, "name": f"n{number}"} for number in range(20_000)]
    text = "body.filter(r, r.id % 2 == 0).map(r, {'id': r.id, 'name': r.name.upperAscii() + '!'})"
    assert len(evaluate(text, records)) == 10_000


DEEP = 100_000


def nested():
    value = []
    for _ in range(DEEP):
        value = [value]
    return value


@pytest.mark.parametrize("text", ["body == body", "toJson(body)", '"%s".format([body])', "[body] == [[body]]"])
def test_deeply_nested_data_is_no_recursion_error(failure, text):
    assert failure(text, nested()).code in {"OCTO-E210", "OCTO-E211"}


@pytest.mark.parametrize(
    "text",
    [
        "string(body)",
        "body + 1",
        "body * 1.5",
        "body / 2",
        "-body",
        "double(body)",
        "math.round(body)",
        "toJson(body)",
        "uint(body)",
        "lists.range(body)",
        "timestamp(body)",
        '"abc".substring(body)',
        '"%d".format([body])',
        "math.bitAnd(body, 1) / 0",
    ],
)
def test_a_number_beyond_64_bits_is_no_python_error(failure, text):
    assert failure(text, 10**5000).code.startswith("OCTO-E2")


@pytest.mark.parametrize(
    "text",
    [
        "bytes(body)",
        'body.matches("a")',
        'regex.extractAll(body, "a")',
        "hexEncode(body)",
        'toFormData({"a": body})',
        "hmacSha256(body, body)",
        "fromJson(body)",
        'secureCompare(body, "a")',
    ],
)
def test_half_a_character_is_no_unicode_error(failure, text):
    assert failure(text, "\ud800").code.startswith("OCTO-E2")


@pytest.mark.parametrize(
    "text",
    [
        'fromJson("' + "[" * 50_000 + '")',
        'fromJson("1' + "0" * 5_000 + '")',
        'fromJson("NaN")',
        'fromYaml("a: [")',
        'fromYaml("{1: 2}")',
        '"a".matches("(a{1000}){1000}")',
        'duration("9999999999999999999999h")',
        "timestamp(9223372036854775807)",
        'timestamp("2020-01-01T00:00:00Z").getHours("../../etc/passwd")',
        '"%.99999f".format([1.0])',
    ],
)
def test_hostile_arguments_are_expression_errors(evaluate, text):
    with pytest.raises(ExprError):
        evaluate(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200 + "1" + "]" * 200,
        "body" + ".a" * 240,
        "!" * 200 + "true",
        "(" * 200 + "1" + ")" * 200,
        "true ? 1 : " * 200 + "2",
        " + ".join(["1"] * 5_000),
        " && ".join(["body.ok"] * 1_000),
        " || ".join(["body.no || false"] * 1_000),
        "{" + ", ".join(f'"k{n}": body.ok' for n in range(3_000)) + "}",
        "[1]" + ".map(x, x + 1)" * 200,
        "[[1]].map(a, " * 60 + "body.ok" + ")" * 60,
        "[1].all(a, body.ok && " * 60 + "true" + ")" * 60,
        "(body.ok && (body.ok || " * 60 + "true" + "))" * 60,
        "cel.bind(a, body.ok ? 1 : 2, " * 100 + "a" + ")" * 100,
        "(body.ok ? [1].map(x, " * 50 + "1" + ") : [])" * 50,
        "optional.of(1)" + ".optMap(x, x + 1)" * 100,
        "size([" * 80 + "1" + "])" * 80,
    ],
    ids=lambda text: f"{text[:25]}...",
)
def test_deep_and_long_expressions_run_or_are_refused(evaluate, text):
    body = {"ok": True, "no": False}
    inner = body
    for _ in range(240):
        inner["a"] = {"ok": True}
        inner = inner["a"]
    try:
        evaluate(text, body)
    except ExprError as error:
        assert error.code == "OCTO-E107"  # noqa: PT017 - success is as good
