"""The errors of the YAML parser, in words for authors of flows."""

from __future__ import annotations

import re

import yaml

from octo.config import codes
from octo.core.errors import Position

_TAB = re.compile(r" *\t")

# part of the parser's text -> code, what was found, what to do about it
_WORDS: tuple[tuple[str, str, str, str], ...] = (
    (
        "mapping values are not allowed",
        codes.SYNTAX,
        "there is a `:` where no key can be",
        'quote the text if it contains ": ", else check the indentation of this line',
    ),
    (
        "block sequence entries are not allowed",
        codes.SYNTAX,
        "there is a list item `- ` where no list can begin",
        "begin the list on a line of its own",
    ),
    (
        "could not find expected ':'",
        codes.SYNTAX,
        "there is no `:` after this key",
        "write `key: value`, or indent the text if it belongs to the line above",
    ),
    (
        "found unexpected end of stream",
        codes.SYNTAX,
        "the quoted text that begins here is never closed",
        "add the closing quote; inside single quotes write '' for one quote",
    ),
    (
        "found unexpected document indicator",
        codes.SYNTAX,
        "the quoted text that begins here is never closed",
        "add the closing quote",
    ),
    (
        "unknown escape character",
        codes.SYNTAX,
        "YAML does not know this backslash escape",
        "write `\\\\` for a backslash, or put the text in single quotes",
    ),
    (
        "did not find expected hexdecimal number",
        codes.SYNTAX,
        "this backslash escape needs hexadecimal digits",
        "write `\\\\` for a backslash, or put the text in single quotes",
    ),
    (
        "found a tab character",
        codes.INDENTATION,
        "this line is indented with a tab; only spaces may indent",
        "use spaces; most editors can convert tabs",
    ),
    (
        "did not find expected ',' or ']'",
        codes.SYNTAX,
        "the list that began with `[` needs a `,` or a `]` here",
        "separate items with `,` and close the list with `]`; quote a text that contains such characters",
    ),
    (
        "did not find expected ',' or '}'",
        codes.SYNTAX,
        "the mapping that began with `{` needs a `,` or a `}` here",
        "separate entries with `,` and close the mapping with `}`; quote a text that contains such characters",
    ),
    (
        "did not find expected '-' indicator",
        codes.INDENTATION,
        "this line is not indented like the list around it",
        "begin it with `- `, or align it with the key it belongs to",
    ),
    (
        "did not find expected key",
        codes.INDENTATION,
        "this does not line up with the mapping it is in",
        "align the keys of one mapping in the same column",
    ),
    (
        "did not find expected node content",
        codes.SYNTAX,
        "a value is expected here",
        "remove the stray character, or quote the text",
    ),
    (
        "did not find expected <document start>",
        codes.SYNTAX,
        "the configuration ends above, but more text follows",
        "check the indentation of this line",
    ),
    (
        "did not find expected alphabetic or numeric character",
        codes.SYNTAX,
        "`*` begins an alias and `&` an anchor, so a name must follow",
        "quote a text that begins with `*` or `&`",
    ),
    ("tag", codes.SYNTAX, "`!` begins a tag that YAML does not know", "quote a text that begins with `!`"),
    (
        "cannot start any token",
        codes.SYNTAX,
        "no unquoted text can begin with this character",
        "quote the text",
    ),
)


_NOT_YAML = (
    codes.SYNTAX,
    "the text is not valid YAML from here on",
    "compare quotes, brackets and indentation with the lines above",
)
_TAB_WORDS = (
    codes.INDENTATION,
    "this line is indented with a tab; only spaces may indent",
    "use spaces; most editors can convert tabs",
)

Said = tuple[str, str, str]


def explain(error: yaml.MarkedYAMLError, text: str, name: str) -> tuple[str, Position, str, str]:
    """Return the code, position, message and hint for a parser error."""
    problem = str(error.problem or "")
    mark = error.problem_mark or error.context_mark
    if mark is None:
        code, message, hint = _NOT_YAML
        return code, Position(name), message, hint
    is_at_end = not text[mark.index :].strip()
    if error.context_mark is not None and _is_never_closed(problem, is_at_end=is_at_end):
        mark = error.context_mark
    lines = text.split("\n")
    line, column = mark.line, mark.column
    written = lines[line] if line < len(lines) else ""
    if (tab := _TAB.match(written)) and column <= tab.end():
        column = tab.end() - 1
        code, message, hint = _TAB_WORDS
    else:
        code, message, hint = _words(problem, written, column, is_at_end=is_at_end)
    return code, Position(name, line + 1, column + 1), message, hint


def _is_never_closed(problem: str, *, is_at_end: bool) -> bool:
    """Whether to report the beginning of what is never closed, instead of the place where its end is missing."""
    if "did not find expected ',' or" in problem:
        return is_at_end
    return "end of stream" in problem or "document indicator" in problem


def _words(problem: str, line: str, column: int, *, is_at_end: bool) -> Said:
    if is_at_end and "did not find expected ',' or" in problem:
        kind = "list" if "']'" in problem else "mapping"
        return codes.SYNTAX, f"the {kind} that begins here is never closed", "add the closing bracket"
    if is_at_end and "did not find expected node content" in problem:
        return codes.SYNTAX, "the file ends where a value is expected", "close the bracket that is still open"
    if "did not find expected key" in problem and line[column : column + 1] in ("]", "}"):
        return codes.SYNTAX, "this closing bracket has no opening bracket", "remove it, or quote the text"
    if "did not find expected key" in problem and line[:column].strip():
        hint = "quote the whole value if this belongs to it: '\"a\" + body.b'"
        return codes.SYNTAX, "the value ends before this text", hint
    found = (said for part, *said in _WORDS if part in problem)
    code, message, hint = next(found, _NOT_YAML)
    return code, message, hint
