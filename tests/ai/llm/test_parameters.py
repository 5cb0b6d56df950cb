"""Schemas of tools in a form that every provider takes."""

from __future__ import annotations

import pytest

from octo.ai.conversation import Ask, Tool, User
from octo.ai.llm.wires.parameters import parameters

TEXT = {"type": "string"}
A = {"type": "object", "properties": {"kind": {"const": "a"}, "x": TEXT}, "required": ["kind", "x"]}
B = {"type": "object", "properties": {"kind": {"const": "b"}, "y": TEXT}, "required": ["kind"]}
ODD = {
    "bare": {"type": "object"},
    "choice": {"type": "object", "anyOf": [A, B]},
    "one of": {"oneOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}], "$defs": {"A": A, "B": B}},
    "both": {"type": "object", "allOf": [A, {"properties": {"z": TEXT}, "required": ["z"]}]},
    "reference": {"$ref": "#/definitions/A", "definitions": {"A": A}},
    "array": {"type": "object", "properties": {"list": {"type": "array"}, "more": {"type": ["array", "null"]}}},
    "null": {"type": "object", "properties": None, "required": None},
    "itself": {"$ref": "#/$defs/A", "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}] * 9, "properties": {"x": TEXT}}}},
}


@pytest.mark.parametrize("schema", ODD.values(), ids=ODD)
async def test_a_schema_that_providers_refuse(provider, standin, schema):
    """One schema of a tool that a provider would refuse takes no call of the model with it."""
    async with provider.over(standin) as model:
        await model.ask(Ask("", (User("Hi"),), (Tool("t", "A tool.", schema),)))

    assert standin.refused == []


def test_what_is_folded():
    """What there was to choose from is offered at once, and required is what each choice requires."""
    for name in ("choice", "one of"):
        found = parameters(ODD[name])
        assert set(found["properties"]) == {"kind", "x", "y"}
        assert found["required"] == ["kind"]
    assert parameters(ODD["both"])["required"] == ["kind", "x", "z"]
    assert parameters(ODD["reference"])["properties"] == A["properties"]
    assert parameters(ODD["itself"])["properties"] == {"x": TEXT}


def test_what_is_completed():
    """An array says what is in it, and a null is not there. Values that look like a schema are left alone."""
    found = parameters(ODD["array"])["properties"]
    assert found == {"list": {"type": "array", "items": {}}, "more": {"type": ["array", "null"], "items": {}}}
    assert parameters(ODD["null"]) == {"type": "object", "properties": {}}
    kept = {"type": "object", "properties": {"a": {"type": "object", "default": {"type": "array"}}}, "required": ["a"]}
    assert parameters(kept) == kept
