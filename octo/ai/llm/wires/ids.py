"""Ids of calls that are unique in their conversation, and of a form that every provider takes back."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable

from pydantic_ai import messages as library

from octo.ai.conversation import Assistant, Turn

_ID = re.compile(r"(?!pyd_ai_)[A-Za-z0-9_-]{1,64}")
"""Ids that every provider takes back, but for those that the library makes where there are none."""


class Ids:
    """Unique ids of calls: providers send none, the name of the tool, or one that an earlier turn had."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        self._taken = {call.id for turn in turns if isinstance(turn, Assistant) for call in turn.calls}
        self._of: dict[int, str] = {}

    def of(self, index: int, part: library.ToolCallPart) -> str:
        """The id of the call that is the part of this index."""
        if index not in self._of:
            given: object = part.tool_call_id  # the libraries do not check what they read
            fits = isinstance(given, str) and _ID.fullmatch(given) and given != part.tool_name
            self._of[index] = str(given) if fits and given not in self._taken else f"call_{uuid.uuid4().hex[:24]}"
            self._taken.add(self._of[index])
        return self._of[index]

    def renamed(self, index: int, part: library.ModelResponsePart) -> library.ModelResponsePart:
        if isinstance(part, library.ToolCallPart):
            part.tool_call_id = self.of(index, part)
        return part
