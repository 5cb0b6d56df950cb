"""Generated messages fit the schema they come from, and shrink to simple ones."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, find, given, settings, strategies as st
from jsonschema import Draft202012Validator

from octo.suite.generate.strategies import messages, patterned

SCHEMAS = {
    "scalars": {"type": ["string", "integer", "number", "boolean", "null"]},
    "nothing said": {},
    "bounds": {"type": "integer", "minimum": 3, "maximum": 9},
    "open bounds": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
    "fractions": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    "steps": {"type": "integer", "multipleOf": 5, "minimum": 7, "maximum": 31},
    "texts": {"type": "string", "minLength": 2, "maxLength": 4},
    "patterns": {"type": "string", "pattern": "^[A-Z]{2}[0-9]+$", "maxLength": 6},
    "formats": {"properties": {"day": {"type": "string", "format": "date"}}, "required": ["day"]},
    "choices": {"enum": ["EUR", "USD", None]},
    "constant": {"const": {"a": 1}},
    "lists": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3, "uniqueItems": True},
    "tuples": {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "integer"}],
        "items": False,
        "minItems": 2,
    },
    "objects": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    },
    "open objects": {"type": "object", "properties": {"a": {"const": 1}}, "additionalProperties": {"type": "boolean"}},
    "alternatives": {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]},
    "both": {
        "allOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}, {"$ref": "#/$defs/B"}],
        "$defs": {"B": {"properties": {"b": {"const": 2}}, "required": ["b"]}},
    },
    "itself": {"$defs": {"T": {"type": "object", "properties": {"left": {"$ref": "#/$defs/T"}}}}, "$ref": "#/$defs/T"},
}


@pytest.mark.parametrize("name", SCHEMAS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_message_fits_its_schema(name, data):
    Draft202012Validator(SCHEMAS[name]).validate(data.draw(messages(SCHEMAS[name])))


def test_fields_that_are_not_listed_do_not_come():
    schema = {"properties": {"a": {"type": "integer"}}}

    @settings(max_examples=50)
    @given(messages(schema))
    def check(body):
        assert set(body) <= {"a"}

    check()


def test_fields_that_are_not_required_may_be_absent():
    assert find(messages({"properties": {"a": {"type": "integer"}}}), lambda body: "a" not in body) == {}


def test_null_comes_where_it_is_allowed():
    assert find(messages({"type": "string", "nullable": True}), lambda body: body is None) is None


def test_what_is_found_is_the_smallest():
    schema = {
        "properties": {
            "lines": {"type": "array", "items": {"properties": {"n": {"type": "integer"}}, "required": ["n"]}}
        },
        "required": ["lines"],
    }

    found = find(messages(schema), lambda body: sum(line["n"] for line in body["lines"]) >= 100)

    assert found == {"lines": [{"n": 100}]}


def test_a_pattern_of_another_dialect_is_translated():
    schema = {"type": "string", "pattern": r"^\p{Lu}\d$"}

    @settings(max_examples=50, deadline=None)
    @given(messages(schema))
    def check(body):
        assert (len(body), body[0].isupper(), body[1] in "0123456789") == (2, True, True)

    check()


def test_only_what_is_a_schema_has_patterns():
    schema = {"properties": {"pattern": {"pattern": "a"}}, "enum": [{"pattern": "b"}], "anyOf": [{"pattern": "c"}]}

    assert [where for where, _ in patterned(schema)] == ["input.properties.pattern.pattern", "input.anyOf[0].pattern"]
