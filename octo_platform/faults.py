"""What is wrong with a value, in words: those of pydantic speak of patterns and Python, which nobody has typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MEANINGS: dict[str, str] = {}
_WORDS = {
    "missing": "it is missing",
    "extra_forbidden": "there is no such member",
    **dict.fromkeys(
        ("model_attributes_type", "model_type", "dict_type"), "it must be an object, which has names and values"
    ),
}
_LENGTHS = {
    "too_short": "it needs at least {min_length} characters",
    "too_long": "it has at most {max_length} characters",
}


def meaning(pattern: str, words: str) -> str:
    """Say what a text has that fits a pattern: a text that does not is told these words. Return the pattern."""
    _MEANINGS[pattern] = words
    return pattern


def told(error: Mapping[str, Any]) -> str:
    """An error of pydantic for people. It never has the value: that may be a secret."""
    kind, limits = error["type"], error.get("ctx") or {}
    if kind == "string_pattern_mismatch":
        return _MEANINGS.get(limits["pattern"], "it has characters that it may not have")
    if limits.get("field_type") == "Value":  # pydantic counts a secret as if it were a list
        return _LENGTHS[kind].format(**limits)
    return _WORDS.get(kind) or str(error["msg"]).removeprefix("Value error, ")
