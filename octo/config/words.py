"""The errors of pydantic about a value, in words for authors of YAML."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, get_args

from pydantic_core.core_schema import ErrorType

from octo.config import codes
from octo.config.place import Place
from octo.config.reader import kind
from octo.expr import nearest

_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "`true` or `false`",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "dict": "a mapping",
    "mapping": "a mapping",
    "model": "a mapping",
    "time_delta": "a duration such as `250ms`, `30s` or `1h30m`",
    "url": "a URL",
}
_LIMITS = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "int_from_float": "expected a whole number, found a number with a fraction",
    "too_short": "expected at least {min_length} items",
    "too_long": "expected at most {max_length} items",
    "string_too_short": "expected a text of at least {min_length} characters",
    "string_too_long": "expected a text of at most {max_length} characters",
    "string_pattern_mismatch": "the text does not match the pattern `{pattern}`",
}
_BY_A_PERSON = ("value_error", "assertion_error")


class Complaint(NamedTuple):
    code: str
    message: str
    hint: str = ""


def say(detail: Any, place: Place | None, private: set[str]) -> Complaint:
    """Translate one entry of `ValidationError.errors()`. The result contains no `private` text."""
    error, context = detail["type"], detail.get("ctx") or {}
    value = place.value if place else None
    if error in ("literal_error", "enum", "union_tag_invalid", "union_tag_not_found"):
        is_private = bool(private)
        return _choice(str(context.get("expected") or context.get("expected_tags")), None if is_private else value)
    if error in _LIMITS:
        is_empty = "min_length" in context and context["min_length"] == 1
        return Complaint(codes.INVALID, "must not be empty" if is_empty else _LIMITS[error].format(**context))
    for prefix, expected in _EXPECTED.items():
        if error.startswith(f"{prefix}_"):
            return Complaint(codes.INVALID, f"expected {expected}, found {kind(value)}", _hint(prefix, value))
    return _own_words(error, str(detail["msg"]), private)


def first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s", " ".join(text.split()), maxsplit=1)[0]


def words_of(place: Place) -> set[str]:
    """Every text at or below a place, and the words in it: a message must not contain them if the place is private."""
    if isinstance(place.value, dict | list):
        children = place.fields().values() if isinstance(place.value, dict) else place.items()
        return {word for child in children for word in words_of(child)}
    text = str(place.value)
    return {text, *re.findall(r"\w{3,}", text)} - {""}


def _own_words(error: str, text: str, private: set[str]) -> Complaint:
    """The message of a validator of Octo or of a component. It may quote the value, so it is used only if no `private`
    text is in it.
    """
    text = text.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    by_pydantic = error not in _BY_A_PERSON and error in get_args(ErrorType)
    if by_pydantic or any(word in text for word in private):
        return Complaint(codes.INVALID, "the value does not fit")
    hint = "an expression is one text in quotes, e.g. '{\"id\": body.id}' or '[1, 2]'" if error == "expression" else ""
    return Complaint(codes.SUB_FLOW if error == "steps" else codes.INVALID, text.rstrip("."), hint)


def _choice(expected: str, value: object) -> Complaint:
    choices = re.findall(r"'([^']*)'", expected) or [expected]
    shown = " or ".join(f"`{each}`" for each in choices)
    if not isinstance(value, str):
        return Complaint(codes.NOT_A_CHOICE, f"must be {shown}")
    close = nearest(value, choices)
    hint = f"did you mean `{close}`?" if close else ""
    return Complaint(codes.NOT_A_CHOICE, f"must be {shown}, found `{value}`", hint)


def _hint(expected: str, value: object) -> str:
    if expected == "string" and not isinstance(value, dict | list):
        return "put it in quotes"
    if expected in ("list", "tuple", "set"):
        return "put it into brackets: `[...]`" if isinstance(value, str) else "begin each item with `- `"
    if expected in ("dict", "mapping", "model"):
        return "write `key: value` lines below the key"
    return ""
