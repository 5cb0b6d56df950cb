"""What is wrong with the arguments of a tool is said to the model that wrote them."""

from __future__ import annotations

import pytest

from octo.ai.arguments import wrong
from octo.ai.conversation import ToolCall
from octo.core.json_schema import Schema

SCHEMA = Schema({"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}})


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (ToolCall("1", "t", {"id": "a", "more": 1}), ""),
        (ToolCall("1", "t", {"id": 1}), "do not fit the schema of the tool:\n/id: must be a text, not a number"),
        (ToolCall("1", "t", {}), 'the property "id" is missing'),
        (ToolCall("1", "t", None, "{oops"), "no JSON object, or were cut off before their end: {oops"),
    ],
)
def test_arguments_fit_or_the_fault_is_named(call, said):
    fault = wrong(call, SCHEMA)

    assert said in fault
    assert bool(said) is bool(fault)
