"""Schemas of an offer are those of maps."""

from __future__ import annotations

import pytest

from octo.ai.mcp.serving.offer import Shape
from octo.core.json_schema import BadSchema


def test_the_schema_of_a_tool_says_that_it_is_of_a_map():
    assert Shape.of({"required": ["a"]}).written == {"type": "object", "properties": {}, "required": ["a"]}


def test_it_says_where_a_value_does_not_fit():
    assert [fault.pointer for fault in Shape.of({"properties": {"a": {"type": "string"}}}).judge.faults({"a": 1})] == [
        "/a"
    ]


def test_what_is_no_schema_is_refused():
    with pytest.raises(BadSchema):
        Shape.of({"properties": 4})
