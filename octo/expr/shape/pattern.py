r"""Patterns of JSON Schema, which are regular expressions of ECMA-262, translated for Python's `re`.

What looks the same but means something else is translated too: `$` is the very end, `\d` and `\w` are ASCII only.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby
from typing import Final
from unicodedata import category

_TOKEN: Final = re.compile(
    r"\\u\{(?P<wide>[0-9a-fA-F]{1,6})\}|\\c(?P<control>[A-Za-z])|\\k<(?P<back>\w+)>|\\0(?![0-9])(?P<nul>)"
    r"|\\(?P<sign>[pP])\{(?P<property>[^}]*)\}|\\(?P<few>[dDwW])"
    r"|(?P<group>\(\?<(?![=!]))|(?P<empty>\[\])|(?P<any>\[\^\])|(?P<end>\$)|(?P<escaped>\\.)|(?P<plain>.)",
    re.DOTALL,
)
_FEW: Final = {"d": "0-9", "w": "A-Za-z0-9_"}
_FIXED: Final = {"nul": r"\x00", "group": "(?P<", "empty": "(?!)", "any": r"[\s\S]", "end": r"\Z"}
_LONG_NAMES: Final = {
    "Letter": "L",
    "Uppercase_Letter": "Lu",
    "Lowercase_Letter": "Ll",
    "Mark": "M",
    "Number": "N",
    "Decimal_Number": "Nd",
    "Punctuation": "P",
    "Symbol": "S",
    "Separator": "Z",
    "Space_Separator": "Zs",
    "Other": "C",
}
_CATEGORY: Final = re.compile(rf"(?:(?:gc|General_Category)=)?({'|'.join(_LONG_NAMES)}|[LMNPSZC][a-z]?)")
_BROKEN: Final = (
    *("unterminated character set", "missing ), unterminated subpattern", "unbalanced parenthesis"),
    *("nothing to repeat", "multiple repeat", "bad escape (end of pattern)", "bad character range"),
    "min repeat greater than max repeat",
)
"""Messages of `re` about patterns that are wrong in every dialect; others may only mean that `re` lacks a feature."""


def translated(pattern: str) -> str:
    """The pattern for `re`. Raises ValueError with what `re` cannot express."""
    found = _translated(pattern, _characters)
    _compile(found)
    return found


def mistake(pattern: str) -> str:
    """Why this is not a regular expression in any dialect, or ""."""
    try:
        _compile(_translated(pattern, lambda _: "a-z"))
    except ValueError as error:
        return str(error) if str(error).startswith(_BROKEN) else ""
    return ""


def _compile(pattern: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(getattr(error, "msg", "it is too large")) from error


# --- one dialect to the other ------------------------------------------------------------------------------------


def _translated(pattern: str, characters: Callable[[str], str]) -> str:
    """`characters` returns the characters of a Unicode property, as the inside of a character class."""
    return "".join(_pieces(pattern, characters))


def _pieces(pattern: str, characters: Callable[[str], str]) -> Iterator[str]:
    inside, position, follows_set = False, 0, False
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        assert token is not None
        kind = str(token.lastgroup)
        if inside and kind in ("group", "empty", "any", "end"):
            token, kind = re.compile(".").match(pattern, position), "plain"
            assert token is not None
        position = token.end()
        if kind != "plain":
            yield _piece(kind, token, inside, characters)
        elif inside and token[0] != "]":
            # A dash next to a set of characters stands for itself. `[&~|` are escaped: Python may give them a meaning.
            is_dash = token[0] == "-" and (follows_set or pattern.startswith(_SETS, position))
            yield f"\\{token[0]}" if is_dash or token[0] in "[&~|" else token[0]
        else:
            inside = token[0] == "["
            yield token[0]
        follows_set = kind in ("property", "few")


_SETS: Final = tuple(f"\\{letter}" for letter in "dDwWsSpP")


def _piece(kind: str, token: re.Match[str], inside: bool, characters: Callable[[str], str]) -> str:
    if kind in _FIXED:
        return _FIXED[kind]
    if kind == "property":
        return _set(characters(token["property"]), inside, is_negated=token["sign"] == "P")
    if kind == "few":
        return _set(_FEW[token["few"].lower()], inside, is_negated=token["few"].isupper())
    if kind == "back":
        return f"(?P={token['back']})"
    if kind == "wide":
        return f"\\U{int(token['wide'], 16):08x}"
    return f"\\x{ord(token['control']) % 32:02x}" if kind == "control" else token[0]


def _set(characters: str, inside: bool, *, is_negated: bool) -> str:
    if not inside:
        return f"[{'^' if is_negated else ''}{characters}]"
    return _rest_of(characters) if is_negated else characters


@cache
def _rest_of(characters: str) -> str:
    has = re.compile(f"[{characters}]")
    return _ranges(lambda code: not has.match(chr(code)))


@cache
def _characters(name: str) -> str:
    found = _CATEGORY.fullmatch(name)
    short = _LONG_NAMES.get(found[1], found[1]) if found else ""
    characters = short and _ranges(lambda code: category(chr(code)).startswith(short))
    if not characters:
        raise ValueError(f"the Unicode property \\p{{{name}}} is not known here")
    return characters


def _ranges(holds: Callable[[int], bool]) -> str:
    """The characters for which `holds` is true, without surrogates, as the inside of a character class."""
    codes = (code for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF and holds(code))
    runs = (list(run) for _, run in groupby(enumerate(codes), lambda each: each[1] - each[0]))
    return "".join(f"\\U{run[0][1]:08x}-\\U{run[-1][1]:08x}" for run in runs)
