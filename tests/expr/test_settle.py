"""Values leave CEL as a flow holds them, as JSON, and as text."""

import math

import pytest

from octo.expr import ExprError, render, settle, to_json
from octo.expr.json import read
from octo.expr.values import NONE, TYPES, Duration, Optional, Timestamp, Uint


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (Uint(5), 5),
        (b"hello", "aGVsbG8="),
        (Timestamp(1_500_000_000), "1970-01-01T00:00:01.5Z"),
        (Duration(5_400 * 10**9), "5400s"),
        (Duration(-1_500_000_000), "-1.5s"),
        (Optional(Uint(1)), 1),
        (NONE, None),
        ({1: b""}, {"1": ""}),
        ({True: 1, "x": [Uint(2), {"y": NONE}]}, {"true": 1, "x": [2, {"y": None}]}),
    ],
)
def test_a_cel_value_becomes_json(value, json):
    converted = to_json(value)
    assert converted == json
    assert type(converted) is type(json)


def test_what_is_json_already_is_not_copied():
    value = {"a": [1, {"b": None}], "c": 1.5, "d": "x"}
    assert to_json(value) is value


def test_only_what_changes_is_copied():
    kept = {"b": 1}
    value = {"kept": kept, "changed": [Uint(1)]}
    converted = to_json(value)
    assert converted == {"kept": kept, "changed": [1]}
    assert converted["kept"] is kept
    assert type(value["changed"][0]) is Uint


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf], TYPES["int"], {"a": TYPES["map"]}])
def test_what_has_no_json_form_is_refused(value):
    with pytest.raises(ExprError) as caught:
        to_json(value)
    assert caught.value.code == "OCTO-E210"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (None, "null"),
        (True, "true"),
        (5, "5"),
        (5.0, "5"),
        (2.5, "2.5"),
        (10**30, str(10**30)),
        ({"a": [1, "é"]}, '{"a":[1,"é"]}'),
        (Duration(10**9), "1s"),
        (b"a", "YQ=="),
    ],
)
def test_render(value, text):
    assert render(value) == text


@pytest.mark.parametrize(
    ("value", "settled"),
    [
        (b"hello", b"hello"),
        (Timestamp(5), Timestamp(5)),
        ([Duration(-1)], [Duration(-1)]),
        (Uint(5), 5),
        (Optional(b"x"), b"x"),
        ({1: b""}, {"1": b""}),
    ],
)
def test_in_a_flow_bytes_and_times_stay_what_they_are(value, settled):
    found = settle(value)
    assert found == settled
    assert type(found) is type(settled)


def test_a_number_that_no_double_holds_is_finite_however_large():
    number = read("1e400")
    assert settle([number])[0] is number
    assert render(number) == "1e400"
    assert render({"n": number}) == '{"n":1e400}'


@pytest.mark.parametrize("value", [math.nan, [-math.inf], TYPES["int"]])
def test_what_no_flow_holds_is_refused(value):
    with pytest.raises(ExprError) as caught:
        settle(value)
    assert caught.value.code == "OCTO-E210"
