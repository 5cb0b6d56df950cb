"""Finds the place in the file of a character of a scalar's value.

The value of a scalar is what is left after YAML has removed quotes, escapes, indentation and line folding. An error
inside an expression has a line and column in that value; its author needs the line and column in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Each unit is the text in the file that gives one character of the value. White space is left out: folding changes it,
# but every other character keeps its order.
_PLAIN = re.compile(r"\S")
_SINGLE = re.compile(r"''|\S")
_DOUBLE = re.compile(r"\\(?:x..|u....|U........|\r?\n|.)|\S", re.DOTALL)
_WHITE_ESCAPES = frozenset("tnr_NLPefv \t\n\r")
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+")


def offset_in_file(source: str, start: int, end: int, style: str, value: str, offset: int) -> int:
    """The index in `source` of character `offset` of the scalar `value`, which is at `start:end` in `source`."""
    black = sum(1 for character in value[:offset] if not character.isspace())
    last = start
    for count, (first, after) in enumerate(_units(source, start, end, style)):
        if count == black:
            return first
        last = after
    return last


def line_offset(text: str, line: int, column: int) -> int:
    """The index in `text` of a line and column that count from 1."""
    lines = text.split("\n")
    before = sum(len(each) + 1 for each in lines[: line - 1])
    return min(before + column - 1, len(text))


def _units(source: str, start: int, end: int, style: str) -> Iterator[tuple[int, int]]:
    properties = _PROPERTIES.match(source, start, end)
    start = properties.end() if properties else start
    if style in ("|", ">"):
        newline = source.find("\n", start, end)
        start = end if newline < 0 else newline + 1
    elif style in ("'", '"'):
        start, end = start + 1, end - 1
    pattern = {"'": _SINGLE, '"': _DOUBLE}.get(style, _PLAIN)
    for match in pattern.finditer(source, start, end):
        unit = match[0]
        if style == '"' and len(unit) > 1 and unit[1] in _WHITE_ESCAPES:
            continue
        yield match.start(), match.end()
