"""Faults: every one with its place and a short reason, no value quoted, and a bounded number of steps."""

from __future__ import annotations

import pytest

from octo.core import faults as explaining
from octo.core.json_schema import Fault, Schema

NAME = "a property has a name that"
CONTAINS = "has too few or too many items of the kind that the schema asks for"


def faults(schema, value, most=10):
    return [tuple(each) for each in Schema(schema).faults(value, most)]


@pytest.mark.parametrize(
    ("schema", "value", "pointer", "message"),
    [
        ({"type": "object"}, None, "", "must be an object, not null"),
        ({"type": ["string", "null"]}, 1, "", "must be a text or null, not a number"),
        ({"type": "integer"}, 1.5, "", "must be a whole number, not a fraction"),
        ({"type": "number"}, True, "", "must be a number, not a boolean"),
        ({"required": ["a"]}, {}, "", 'the property "a" is missing'),
        (
            {"properties": {"a/b": {"items": {"type": "string"}}}},
            {"a/b": ["x", 1]},
            "/a~1b/1",
            "must be a text, not a number",
        ),
        ({"properties": {"~": {"const": 1}}}, {"~": 2}, "/~0", "must be 1"),
        ({"enum": ["EUR", 1, None]}, "USD", "", 'must be one of "EUR", 1, null'),
        ({"minimum": 1}, 0, "", "must be at least 1"),
        ({"maximum": 1}, 2, "", "must be at most 1"),
        ({"exclusiveMinimum": 1}, 1, "", "must be more than 1"),
        ({"exclusiveMaximum": 1}, 1, "", "must be less than 1"),
        ({"multipleOf": 2}, 3, "", "must be a multiple of 2"),
        ({"minLength": 1}, "", "", "must have at least 1 character"),
        ({"maxLength": 2}, "abc", "", "must have at most 2 characters"),
        ({"minItems": 2}, [1], "", "must have at least 2 items"),
        ({"maxItems": 0}, [1], "", "must have at most 0 items"),
        ({"minProperties": 1}, {}, "", "must have at least 1 property"),
        ({"maxProperties": 0}, {"a": 1}, "", "must have at most 0 properties"),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], "/1", "is in the list before"),
        ({"uniqueItems": True}, [[1], {"a": 2}, [1.0]], "/2", "is in the list before"),
        ({"pattern": "^a$"}, "b", "", 'must match the pattern "^a$"'),
        ({"format": "uuid"}, "b", "", "must have the format uuid"),
        ({"additionalProperties": False}, {"a": 1}, "/a", "is not a known property"),
        ({"additionalProperties": {"type": "string"}}, {"a": 1}, "/a", "must be a text, not a number"),
        ({"patternProperties": {"^x": {"type": "string"}}}, {"x1": 1, "y": 1}, "/x1", "must be a text, not a number"),
        (
            {"propertyNames": {"maxLength": 1}},
            {"ab": 1},
            "",
            f"{NAME} must have at most 1 character",
        ),
        ({"items": False}, [1], "", "has too many items"),
        ({"anyOf": [{"minLength": 3}, {"maxLength": 1}]}, "ab", "", "fits none of the 2 alternatives"),
        ({"oneOf": [{"type": "string"}, {"minLength": 1}]}, "a", "", "fits more than one of the alternatives"),
        ({"not": {"type": "string"}}, "a", "", "fits what the schema excludes"),
        (
            {"contains": {"type": "string"}},
            [1],
            "",
            CONTAINS,
        ),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "", "'b' is a dependency of 'a'"),
        ({"if": {"type": "string"}, "then": {"maxLength": 1}}, "ab", "", "must have at most 1 character"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}}, 1, "", "must be a text, not a number"),
        (False, 1, "", "is not allowed"),
    ],
)
def test_each_keyword_says_where_and_why(schema, value, pointer, message):
    assert faults(schema, value) == [(pointer, message)]


def test_of_alternatives_the_one_that_nearly_fits_is_explained():
    card = {"type": "object", "properties": {"kind": {"const": "card"}, "number": {"type": "string"}}}
    assert faults(
        {"properties": {"pay": {"anyOf": [{"type": "string"}, card]}}}, {"pay": {"kind": "card", "number": 1}}
    ) == [("/pay/number", "must be a text, not a number")]


def test_all_faults_come_up_to_a_limit():
    schema = {"items": {"type": "string"}}
    assert [pointer for pointer, _ in faults(schema, [1] * 100)] == [f"/{i}" for i in range(10)]
    assert faults(schema, [1] * 100, most=1) == [("/0", "must be a text, not a number")]


def test_no_value_is_quoted_and_every_text_is_short():
    secret = "hunter2" * 100
    schema = {"anyOf": [{"const": "x" * 500}, {"type": "integer"}], "not": {"type": "string"}, "pattern": "^b" * 200}
    found = faults({"additionalProperties": schema}, {secret: secret})
    assert len(found) == 3
    assert all("hunter2" not in message for _, message in found)
    assert all(len(pointer) < 600 and len(message) < 300 for pointer, message in found)


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_a_schema_that_refers_to_itself_twice_takes_a_bounded_number_of_steps(keyword, monkeypatch):
    """Depth 200: the library alone would take 2 to the power of 200 steps."""
    taken = []
    monkeypatch.setattr(explaining, "_step", lambda step=explaining._step: taken.append(1) or step())
    inner = {"type": "object", "properties": {"a": {"$ref": "#"}}}
    value = 3
    for _ in range(200):
        value = {"a": value}
    assert faults({keyword: [{**inner, "required": ["a"]}, {**inner, "minProperties": 1}]}, value)
    assert len(taken) <= explaining.MOST_STEPS + 1


def test_a_small_value_takes_few_steps(monkeypatch):
    """Else whoever sends a few hundred bytes would keep a server busy as with a megabyte."""
    taken = []
    monkeypatch.setattr(explaining, "_step", lambda step=explaining._step: taken.append(1) or step())
    kinds = [{"properties": {"a": {"$ref": "#"}, "kind": {"const": kind}}, "required": ["kind"]} for kind in "abc"]
    value = 3
    for _ in range(20):
        value = {"a": value, "kind": "a"}
    assert faults({"oneOf": [*({"type": "object", **each} for each in kinds), {"type": "string"}]}, value)
    assert len(taken) < 4_000


def test_names_take_linear_time_in_patterns():
    """`re` would take for ever."""
    schema = {"patternProperties": {"^(a+)+$": True}, "additionalProperties": False, "unevaluatedProperties": False}
    assert faults(schema, {"a" * 60 + "!": 1}) == [("/" + "a" * 60 + "!", "is not a known property")]


def test_unevaluated_properties():
    assert faults({"properties": {"a": True}, "unevaluatedProperties": False}, {"a": 1, "b": 1}) == [
        ("", "has properties that are not known")
    ]


def test_there_is_always_a_fault():
    """Where the explanation takes too many steps, the verdict stands."""
    assert Schema({"uniqueItems": True}).faults([*range(30_000), 0]) == [Fault("", "does not fit the schema")]
