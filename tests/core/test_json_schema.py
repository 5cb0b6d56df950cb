"""JSON Schema: what fits, what is refused as a schema, and that no schema or value costs more than it may."""

from __future__ import annotations

import pytest

from octo.core.json_schema import MOST_DEEP, BadSchema, Fault, Schema, nullable
from octo.expr.values import Exact

ORDER = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "string"}, "amount": {"type": "number", "minimum": 0}, "sent": {"format": "date"}},
}


def nested(levels: int, leaf: object = None) -> object:
    for _ in range(levels):
        leaf = {"a": leaf}
    return leaf


def test_values_that_fit():
    schema = Schema(ORDER)
    assert schema.fits({"id": "a", "amount": 1, "more": True})
    assert schema.faults({"id": "a"}) == []
    assert not schema.fits({"id": 1})


def test_formats_are_checked():
    assert Schema(ORDER).faults({"id": "a", "sent": "today"}) == [Fault("/sent", "must have the format date")]


@pytest.mark.parametrize(
    ("value", "schema", "fits"),
    [
        (b"abc", {"type": "string"}, True),
        ({"at": b"abc"}, {"properties": {"at": {"type": "string"}}}, True),
        (Exact("0.10000000000000000000000001"), {"type": "number", "exclusiveMinimum": 0.1}, True),
        (Exact("0.10000000000000000000000001"), {"maximum": 0.1}, False),
        (2**300, {"type": "integer", "minimum": 2**70}, True),
        (2**300, {"maximum": 5}, False),
        (2.0, {"type": "integer"}, True),
        ({1: "a"}, {"required": ["1"]}, True),
    ],
)
def test_values_that_json_lacks_count_as_they_are_written(value, schema, fits):
    assert Schema(schema).fits(value) is fits
    assert bool(Schema(schema).faults(value)) is not fits


def test_null_is_allowed_as_openapi_writes_it():
    schema = {"properties": {"a": {"type": "string", "nullable": True}, "nullable": {"type": "boolean"}}}
    assert Schema(schema).fits({"a": None})
    assert not Schema(schema).fits({"nullable": None})
    for name in ("enum", "const", "default", "examples", "example"):
        assert Schema({"properties": {name: {"type": "string", "nullable": True}}}).fits({name: None})
    assert nullable({"type": ["string"], "nullable": True}) == {"type": ["string", "null"]}
    assert nullable({"const": {"type": "string", "nullable": True}}) == {"const": {"type": "string", "nullable": True}}


def test_a_draft_is_chosen_by_its_schema():
    """`items` as a list is of draft 7; draft 2020-12 calls it `prefixItems`."""
    old = Schema({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]})
    assert old.faults([1]) == [Fault("/0", "must be a text, not a number")]


@pytest.mark.parametrize(
    ("schema", "message", "path"),
    [
        ({"type": "strin"}, '"strin" is not valid', ("type",)),
        ({"properties": {"a": {"minimum": "x"}}}, '"x" is not of type "number"', ("properties", "a", "minimum")),
        ({"pattern": "(a"}, "no regular expression", ("pattern",)),
        ({"pattern": "(?=a)b"}, "look-around", ("pattern",)),
        ({"$ref": "#/$defs/A"}, "does not exist", ()),
        ({"$ref": "http://127.0.0.1:1/a.json"}, "none is fetched", ()),
        ({"$ref": "file:///etc/passwd"}, "none is fetched", ()),
        ({"$schema": "http://127.0.0.1:1/a.json"}, "meta-schema", ()),
        ({1: {}}, "must be str", ()),
        ("object", "a schema is a map, true or false", ()),
        (nested(300, {}), "limit", ()),
        (nested(5000, {}), "it is nested too deeply", ()),
    ],
)
def test_what_is_no_schema_is_refused(schema, message, path):
    with pytest.raises(BadSchema, match=message) as raised:
        Schema(schema)
    assert raised.value.path == path


def test_a_schema_that_multiplies_is_refused():
    """Each of 20 names stands for the next one twice: a million checks of one value."""
    names = {f"a{i}": {"anyOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(20)}
    with pytest.raises(BadSchema, match="tried on one value"):
        Schema({"$ref": "#/$defs/a0", "$defs": {**names, "a20": {"type": "string"}}})


def test_a_long_row_of_references_is_refused():
    """It would use up the stack, which ends the process."""
    names = {f"a{i}": {"$ref": f"#/$defs/a{i + 1}"} for i in range(2000)}
    with pytest.raises(BadSchema, match="in a row"):
        Schema({"$ref": "#/$defs/a0", "$defs": {**names, "a2000": {}}})


def test_a_value_that_is_nested_too_deeply_does_not_fit():
    schema = Schema({"properties": {"a": {"$ref": "#"}}})
    assert schema.fits(nested(MOST_DEEP - 1))
    for levels in (MOST_DEEP + 1, 1_000, 100_000):
        assert schema.faults(nested(levels)) == [Fault("", f"is nested more than {MOST_DEEP} levels deep")]


def test_patterns_take_linear_time():
    assert not Schema({"pattern": "^(a+)+$"}).fits("a" * 100_000 + "!")
