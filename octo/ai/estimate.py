"""Estimates of tokens: before a call for the budgets, after one that was cut off, and of a conversation that grows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import ceil

from octo.ai.conversation import Ask, Assistant, Attachment, Results, Tool, ToolCall, Turn, User

CHARACTERS = 4
"""Of a token, in English; other languages have fewer."""
FILE = 1600
"""Tokens of an image, as the providers say; a document has more."""
ANSWER = 1024
"""Tokens of an answer whose length nobody limits, as a rule."""
LONGEST_ANSWER = 128_000
"""Tokens that it may have at most: models write no longer ones."""


def text(characters: int) -> int:
    return ceil(characters / CHARACTERS)


def request(ask: Ask) -> int:
    """The tokens of a request, roughly."""
    return text(len(ask.system) + sum(map(_length, ask.turns)) + sum(map(_of_tool, ask.tools)))


def turn(said: Turn) -> int:
    """The tokens of one turn of a conversation, roughly."""
    return text(_length(said))


def _length(said: Turn) -> int:
    """The characters of a turn; a file has as many as its tokens would."""
    match said:
        case User(words, attachments):
            return len(words) + _of_files(attachments)
        case Assistant(words, calls):
            return len(words) + sum(map(_of_call, calls))
        case Results(results):
            return sum(len(each.content) + _of_files(each.attachments) for each in results)


def _of_call(call: ToolCall) -> int:
    return len(call.raw if call.arguments is None else json.dumps(call.arguments, default=str))


def _of_tool(tool: Tool) -> int:
    return len(tool.name) + len(tool.description) + len(json.dumps(tool.input, default=str))


def _of_files(attachments: Iterable[Attachment]) -> int:
    return sum(len(each.data) if each.mime_type.startswith("text/") else FILE * CHARACTERS for each in attachments)
