"""Untrusted texts on a terminal: control sequences, such as those that move the cursor, must not get there."""

from __future__ import annotations

import json


def printable(text: str) -> str:
    """The text with a dot for each character that is not printable, so always one line."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "·" for each in text)


def printable_json(text: str) -> str:
    """The same JSON text, with an escape for each such character in its strings."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]
