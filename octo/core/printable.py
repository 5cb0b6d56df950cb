"""Untrusted texts on a terminal: control sequences, such as those that move the cursor, must not get there."""

from __future__ import annotations

import re


def printable(text: str) -> str:
    """The text with a dot for each character that is not printable, so always one line."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "·" for each in text)


def printable_json(text: str) -> str:
    """The same JSON text, with an escape for each such character in its strings."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    import json  # only where something is escaped: every command imports this module

    return character if character.isprintable() else json.dumps(character)[1:-1]


def calm(text: str) -> str:
    """The text with a dot for each character that is not printable, but with its lines, tabs, and our own colours."""
    return text if text.isprintable() else _UNPRINTABLE.sub(_calmed, text)


_UNPRINTABLE = re.compile(r"\x1b\[(?:0|1|2|22|3[0-7]|9[0-7])m|[^\x20-\x7e]")


def _calmed(found: re.Match[str]) -> str:
    text = found[0]
    return text if len(text) > 1 or text in "\n\t" or text.isprintable() else "·"
