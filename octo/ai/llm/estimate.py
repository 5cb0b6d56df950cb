"""Estimates of tokens: before a call for the budgets, and after one that was cut off."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import ceil

from octo.ai.conversation import Ask, Attachment, Results, User

CHARACTERS = 4
"""Of a token, in English; other languages have fewer."""
FILE = 1600
"""Tokens of an image, as the providers say; a document has more."""
ANSWER = 1024
"""Tokens of an answer whose length nobody limits."""


def text(characters: int) -> int:
    return ceil(characters / CHARACTERS)


def request(ask: Ask) -> int:
    """The tokens of a request, roughly."""
    characters = len(ask.system)
    files = 0
    for turn in ask.turns:
        match turn:
            case User(said, attachments):
                characters += len(said)
                files += _files(attachments)
            case Results(results):
                characters += sum(len(each.content) for each in results)
                files += sum(_files(each.attachments) for each in results)
            case _:
                characters += len(turn.text) + sum(len(json.dumps(each.arguments)) for each in turn.calls)
    for tool in ask.tools:
        characters += len(tool.name) + len(tool.description) + len(json.dumps(tool.input))
    return text(characters) + files


def _files(attachments: Iterable[Attachment]) -> int:
    return sum(text(len(each.data)) if each.mime_type.startswith("text/") else FILE for each in attachments)
