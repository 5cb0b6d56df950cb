"""Tokens are estimated before a provider has counted them."""

from __future__ import annotations

import pytest

from octo.ai import estimate
from octo.ai.conversation import Ask, Assistant, Attachment, Results, Tool, ToolCall, ToolResult, Turn, User

PICTURE = Attachment("image/png", b"\x89PNG" * 9)


@pytest.mark.parametrize(
    ("turn", "tokens"),
    [
        (User("a" * 40), 10),
        (User("a" * 41), 11),
        (User("", (PICTURE,)), estimate.FILE),
        (User("", (Attachment("text/csv", b"a" * 80),)), 20),
        (Assistant("a" * 40), 10),
        (Assistant("", (ToolCall("1", "look", {"id": 7}),)), 3),
        (Assistant("", (ToolCall("1", "look", None, "{broken"),)), 2),
        (Results((ToolResult("1", "look", "a" * 40), ToolResult("2", "look", "", attachments=(PICTURE,)))), 1610),
    ],
)
def test_turns(turn: Turn, tokens: int):
    """Four characters are a token; a file has its text's, or as many as an image."""
    assert estimate.turn(turn) == tokens


def test_a_request_is_the_sum_of_its_parts():
    """What a model is told, the conversation, and the tools that it may call."""
    tool = Tool("look", "Looks it up.", {"type": "object"})

    assert estimate.request(Ask("a" * 40, (User("a" * 40),), (tool,))) == 10 + 10 + 9


def test_values_without_a_json_form_are_counted():
    """What a tool was called with may come out of a flow."""
    assert estimate.turn(Assistant("", (ToolCall("1", "look", {"at": {1, 2}}),))) > 0
