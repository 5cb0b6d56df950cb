"""The settings of mcp-router that its tests do not reach otherwise."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from octo.ai.mcp.serving.settings import Annotations, Router, ToolSettings


def test_hints_are_named_as_the_protocol_names_them():
    hints = Annotations.model_validate({"readOnlyHint": True, "openWorldHint": False})

    assert hints.model_dump(by_alias=True, exclude_none=True) == {"readOnlyHint": True, "openWorldHint": False}


@pytest.mark.parametrize("schema", ['{"type": "object"}', {"type": "object"}, {"required": ["a"]}])
def test_a_schema_is_a_map_or_a_text(schema):
    tool = ToolSettings.model_validate({"name": "a", "description": "A.", "process": [], "inputSchema": schema})

    assert tool.input_schema is not None
    assert isinstance(tool.input_schema.plain, dict)


@pytest.mark.parametrize("schema", [{"type": "string"}, '"a"', "[]", {"type": ["object", "null"]}])
def test_a_schema_of_something_else_is_refused(schema):
    with pytest.raises(ValidationError):
        ToolSettings.model_validate({"name": "a", "description": "A.", "process": [], "inputSchema": schema})


def test_the_key_of_the_state_is_not_printed():
    tools = [{"name": "a", "description": "A.", "process": []}]
    settings = Router.model_validate({"tools": tools, "stateKey": "0123456789abcdef0123456789abcdef"})

    assert "0123456789abcdef" not in repr(settings)
