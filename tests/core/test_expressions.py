"""Expressions in settings: compiled once, called with the message."""

from __future__ import annotations

from copy import deepcopy
from typing import Annotated

import pytest
from pydantic import ValidationError

from octo.core.expressions import WRONG_KIND, Build, Expr, Names, compile_expr, told
from octo.core.message import Message
from octo.core.settings import Settings
from octo.expr import ExprError, Scope, Timestamp
from octo.expr.values import Duration


class Example(Settings):
    count: Expr[int] | None = None
    routing_key: Expr[str] | None = None
    value: Expr[object] | None = None
    when: Expr[bool] | None = None
    items: Expr[list[object]] | None = None
    tick: Annotated[Expr[object], Names("now", "settings")] | None = None


class Strict(Settings):
    each: dict[str, Expr[object]] = {}
    when: Expr[bool] | None = None
    items: Expr[list[object]] | None = None


def made(**values):
    return Example.model_validate(values, context=Build({"REGION": "north"}))


@pytest.mark.parametrize(
    ("source", "expected"),
    [('"a"', "a"), ("1", "1"), ("[1, 2]", "[1,2]"), ("true", "true"), ("env.REGION", "north"), ("body", "text")],
)
def test_a_text_expression_renders_what_is_no_text(source, expected):
    assert made(routingKey=source).routing_key(Message("text")) == expected


def test_a_text_expression_refuses_null():
    with pytest.raises(ExprError, match="found null") as caught:
        made(routingKey="body").routing_key(Message(None))
    assert caught.value.text == "body"
    assert "has(...)" in caught.value.hint


def test_a_list_expression_demands_a_list():
    assert made(items="[body]").items(Message(1)) == [1]
    with pytest.raises(ExprError, match="must evaluate to an array, got an int"):
        made(items="body").items(Message(1))


def test_a_condition_demands_a_bool():
    """Nothing else is taken for true or false."""
    assert [made(when="body").when(Message(body)) for body in (True, False)] == [True, False]
    assert made(when="body == 1").when(Message(1)) is True
    for body, found in (("true", "a string"), (1, "an int"), (None, "null")):
        with pytest.raises(ExprError, match=f"must evaluate to a bool, got {found}"):
            made(when="body").when(Message(body))


def test_an_int_expression_demands_an_int():
    assert made(count="body").count(Message(1)) == 1
    for body, found in ((True, "a bool"), (1.0, "a double"), (None, "null")):
        with pytest.raises(ExprError, match=f"must evaluate to an int, got {found}"):
            made(count="body").count(Message(body))
    with pytest.raises(ExprError, match="must evaluate to an int, got a bool"):
        made(count="body == 1").count(Message(1))


def test_bytes_times_and_durations_stay_what_they_are():
    """A message may hold them; they become text only where they leave the process."""
    assert made(value="b'\\xff'").value(Message()) == b"\xff"
    assert made(value='{"at": [now]}').value(Message())["at"][0].__class__ is Timestamp
    assert made(value='duration("1h")').value(Message()) == Duration(3600 * 10**9)
    assert made(tick="now").tick(Timestamp(0), {}) == Timestamp(0)


def test_expressions_go_on_with_what_an_earlier_one_made():
    message = Message(vars={"t": Timestamp(0), "d": Duration(10**9), "b": b"abc"})

    assert made(value='vars.t + duration("1h")').value(message) == Timestamp(3600 * 10**9)
    assert made(value="vars.t + vars.d > vars.t").value(message) is True
    assert made(value="size(vars.b)").value(message) == 3
    assert made(value="vars.b + b'd'").value(message) == b"abcd"
    assert made(value="string(vars.t)").value(message) == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("source", "expected"),
    [("3u", 3), ("optional.of(1u)", 1), ("[optional.none()]", [None]), ('{1: ip("::1")}', {"1": "::1"})],
)
def test_what_only_cel_knows_becomes_what_a_flow_holds(source, expected):
    value = made(value=source).value(Message())
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("source", ["1.0 / 0.0", "[double('nan')]", "type(1)"])
def test_what_no_flow_holds_is_refused(source):
    with pytest.raises(ExprError) as caught:
        made(value=source).value(Message())
    assert caught.value.code == "OCTO-E210"


@pytest.mark.parametrize(("value", "expected"), [(True, True), (42, 42), (1.5, 1.5)])
def test_bare_yaml_scalars_are_expressions(value, expected):
    assert made(value=value).value(Message()) == expected


@pytest.mark.parametrize(("value", "found"), [(["1"], "a list"), ({"a": 1}, "a mapping"), (b"1", "bytes")])
def test_an_expression_is_one_text(value, found):
    with pytest.raises(ValidationError, match=f"expected a CEL expression as text, found {found}"):
        made(value=value)


def test_an_expression_that_is_compiled_stays_the_same():
    """Compiling is what costs; settings are copied and made again."""
    compiled = made(value="body").value

    assert deepcopy(compiled) is compiled
    assert made(value=compiled).value is compiled


def test_a_schema_says_that_it_is_cel_and_what_it_gives():
    found = Example.model_json_schema()["properties"]

    assert {"type": "string", "format": "cel", "x-octo-result": "bool"} in found["when"]["anyOf"]
    assert {"type": "string", "format": "cel", "x-octo-result": "list"} in found["items"]["anyOf"]


def test_named_expressions_see_their_own_names_only():
    assert made(tick="settings.a").tick(None, {"a": 7}) == 7
    with pytest.raises(ValidationError, match="body"):
        made(tick="body")


def test_equal_expressions_are_one_key():
    assert len({made(value="body").value, made(value="body").value, made(value="vars").value}) == 2


def test_settings_with_another_expression_are_other_settings():
    """A reload compares settings to know which connectors to open again."""
    assert made(routingKey='"x"') == made(routingKey='"x"')
    assert made(routingKey='"x"') != made(routingKey='"y"')


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"each": {"a": None}}, "an expression is missing here"),
        ({"when": '"text"'}, "the value must be a bool, this is always a string"),
        ({"items": "1"}, "the value must be a list, this is always an int"),
    ],
)
def test_an_expression_that_cannot_be_meant_is_refused(values, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Strict.model_validate(values)


@pytest.mark.parametrize(
    "text",
    [
        "now == now",
        "[1, 2].map(i, now).distinct().size() == 1",
        "false ? true : (now - now == duration('0s') && [now, now].all(each, each == now))",
        "cel.bind(then, now, [1].exists(i, then == now))",
    ],
)
def test_an_evaluation_has_one_moment_and_the_next_one_another(text):
    ticks = iter(range(10))
    scope = Scope(("message",), {"now": "clock()"}, globals={"clock": lambda: Timestamp(next(ticks))})
    assert compile_expr(text, bool, scope)(Message(None)) is True
    assert compile_expr("now", object, scope)(Message(None)) != compile_expr("now", object, scope)(Message(None))


@pytest.mark.parametrize(
    ("setting", "code", "message", "text"),
    [
        ("log message", "OCTO-E203", "division by zero", "log message: evaluate expression: division by zero"),
        ("", "OCTO-E203", "division by zero", "evaluate expression: division by zero"),
        ("switch case 0", WRONG_KIND, "condition must evaluate", "switch case 0: condition must evaluate"),
        ("foreach items", WRONG_KIND, "must evaluate to an array", "foreach items must evaluate to an array"),
        ('rest header "X"', WRONG_KIND, "expected a text", 'rest header "X": expected a text'),
        ("", WRONG_KIND, "condition must evaluate", "condition must evaluate"),
    ],
)  # fmt: skip
def test_an_error_chain_reads_the_setting_and_that_its_expression_failed(setting, code, message, text):
    """A value of the wrong kind is no evaluation that failed."""
    assert told(setting, ExprError(code, message)) == text
