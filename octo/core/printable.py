"""Texts of strangers on a terminal: what it would obey, as sequences that move its cursor, must not get there."""

from __future__ import annotations

import json


def printable(text: str) -> str:
    """The text, a dot for each character that does not show: one line, whatever was in it."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "·" for each in text)


def printable_json(text: str) -> str:
    """The same JSON text, with escapes for such characters in its strings."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]
