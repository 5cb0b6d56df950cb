"""Bytes from outside as a body: JSON, exactly as it was sent."""

from __future__ import annotations

import json
import re

import orjson


class NotJson(ValueError):
    """The bytes are no JSON text; the message says what is wrong without quoting them."""


def parse(data: bytes) -> object:
    """The value of a JSON text, every integer exact. Nothing at all is null.

    Refuses what is not JSON although some parsers take it: NaN, Infinity, text that is not UTF-8, half surrogate
    pairs; and what would be more work than meaning: nesting beyond 1024, integers of more than 308 digits.
    """
    if not data:
        return None
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if not data.strip():
            return None
        raise NotJson(f"not valid JSON: {error}") from None
    # orjson makes floats of integers beyond 64 bits. Those have 19 digits in a row, so of every fourth byte four in
    # a row: looking there first is a few times faster, and nearly every body passes.
    if len(data) >= _DIGITS and _FOUR_DIGITS.search(data[::4]) and _LONG_NUMBER.search(data):
        return _exact(data)
    return value


_DIGITS = 19
_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % _DIGITS)
_FOUR_DIGITS = re.compile(rb"[0-9]{4}")


def _exact(data: bytes) -> object:
    try:
        return json.loads(data)
    except RecursionError:
        raise NotJson("not usable JSON: nested too deeply") from None
