"""Servers that are nearly servers of MCP: what is good in their answers is used."""

from __future__ import annotations

import pytest
from mcp_day import TOOL, Older

TEXT = {"type": "text", "text": "hello"}
BAD = {
    "no schema": {"name": "odd"},
    "null schema": {"name": "odd", "inputSchema": None},
    "schema without a type": {"name": "odd", "inputSchema": {"properties": {}}},
    "result that is no object": {**TOOL, "name": "odd", "outputSchema": {"type": "array"}},
    "annotations": {**TOOL, "name": "odd", "annotations": {"readOnlyHint": "rather"}},
    "icons": {**TOOL, "name": "odd", "icons": "none"},
}


@pytest.mark.parametrize("tool", BAD.values(), ids=BAD)
async def test_a_tool_that_is_nearly_one(opened, tool):
    """It can be called, and the others can."""
    async with Older([tool, TOOL]).serving() as settings, opened(**settings) as client:
        listing = await client._link.listing()

    assert [each.original for each in listing.tools] == ["odd", "greet"]


@pytest.mark.parametrize("tool", [None, "greet", {"inputSchema": {"type": "object"}}, {**TOOL, "name": 3}])
async def test_what_is_no_tool_takes_no_other_with_it(opened, tool, caplog):
    async with Older([tool, TOOL]).serving() as settings, opened(**settings) as client:
        listing = await client._link.listing()

    assert [each.original for each in listing.tools] == ["greet"]
    assert [each.message for each in caplog.records] == ["tool left out"]


RESULTS = {
    "structured alone": ({"structuredContent": {"a": 1}}, '{"a":1}'),
    "content null": ({"content": None, "structuredContent": {"a": 1}}, '{"a":1}'),
    "a list": ({"structuredContent": [1, 2]}, "[1, 2]"),
    "a list beside": ({"content": [TEXT], "structuredContent": [1, 2]}, "hello"),
    "error null": ({"content": [TEXT], "isError": None}, "hello"),
    "unknown kind": ({"content": [TEXT, {"type": "blob", "mimeType": "x/y", "data": "AA"}]}, "hello\n[blob, x/y]"),
}


@pytest.mark.parametrize(("called", "text"), RESULTS.values(), ids=RESULTS)
async def test_a_result_that_is_nearly_one(opened, called, text):
    """The tool has done its work: that its answer is odd is no reason to say that it has failed."""
    async with Older(called=called).serving() as settings, opened(**settings) as client:
        answer = await client.call("greet", {})

    assert (answer.content, answer.is_error) == (text, False)
