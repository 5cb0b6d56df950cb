"""Pydantic's errors in plain words."""

from __future__ import annotations

import pytest

from octo.config.words import first_sentence, say


def error(type: str, msg: str = "", **ctx: object) -> dict[str, object]:
    return {"type": type, "msg": msg, "ctx": ctx, "loc": ("a",)}


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        (error("greater_than_equal", ge=1), "must be at least 1"),
        (error("less_than", lt=0.5), "must be less than 0.5"),
        (error("too_short", min_length=1), "must not be empty"),
        (error("too_short", min_length=2), "expected at least 2 items"),
        (error("string_too_long", max_length=9), "expected a text of at most 9 characters"),
        (error("string_pattern_mismatch", pattern="^a$"), "the text does not match the pattern `^a$`"),
        (error("int_from_float"), "expected a whole number, found a number with a fraction"),
        (error("enum", expected="'a' or 'b'"), "must be `a` or `b`"),
        (error("value_error", "Value error, the port is taken."), "the port is taken"),
        (error("own-code", "the port is taken"), "the port is taken"),
        (error("uuid_version", "UUID version 4 expected"), "the value does not fit"),
    ],
)
def test_words(detail: dict[str, object], words: str):
    assert say(detail, None, set()).message == words


def test_a_message_that_quotes_something_private_is_not_repeated():
    assert say(error("value_error", "no host in x://hunter2"), None, {"hunter2"}).message == "the value does not fit"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One. Two.", "One."),
        ("Path, e.g. `/a`. More.", "Path, e.g. `/a`."),
        ("Over\ntwo lines. More.", "Over two lines."),
        ("", ""),
    ],
)
def test_the_first_sentence(text: str, first: str):
    assert first_sentence(text) == first
