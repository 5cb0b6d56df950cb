"""Makes a difference as small as possible, so that a rule can describe it exactly."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from bench.fuzz.outcome import Case, Meeting, Outcome
from octo.expr import ExprError
from octo.expr.nodes import Node, children
from octo.expr.parser import parse

Meet = Callable[[Case], Meeting]


def smallest(met: Meeting, meet: Meet) -> Meeting:
    """The simplest expression found inside the given one that shows a difference of the same sort."""
    while smaller := _smaller(met, meet):
        met = smaller
    return met


def _smaller(met: Meeting, meet: Meet) -> Meeting | None:
    for text in _simpler(met.case, meet):
        other = meet(met.case._replace(text=text))
        if not other.is_same and sort(other) == sort(met):
            return other
    return None


def sort(met: Meeting) -> tuple[str, str]:
    """What a difference keeps while it shrinks: which side failed, and with which error."""
    return _failure(met.ours), _failure(met.theirs)


def _failure(outcome: Outcome) -> str:
    if outcome.word not in {"error", "refused"}:
        return outcome.word
    return f"{outcome.word} {_DETAILS.sub('', outcome.content)[:50]}"


_DETAILS = re.compile(r"^.*<input>:\d+:\d+: |^[A-Z_]+: |'[^']*'|\d+|[.(\n].*", re.DOTALL)
"""The parts of a message that do not say its sort: theirs repeats the expression, ours quotes values and candidates."""


def _simpler(case: Case, meet: Meet) -> Iterator[str]:
    """Simpler texts: parts instead of the whole, smallest first; then literals instead of parts, largest first."""
    text = case.text
    parts = _parts(text)
    for start, end in reversed(parts):
        if end - start < len(text):
            yield text[start:end]
    for start, end in parts:
        part = text[start:end]
        for literal in ("1", "''", "null", "[]", "true", *_values(case._replace(text=part), meet)):
            if weight(literal) < weight(part):
                yield f"{text[:start]}{literal}{text[end:]}"
    yield from _without_parentheses(text)


def causes(met: Meeting, meet: Meet) -> Iterator[tuple[Meeting, Meeting]]:
    """Differences of any sort inside the given one, each with the rest of the expression without it.

    In the rest, a value of the part from either side replaces it, or null if neither has a value that can be written.
    """
    text = met.case.text
    for start, end in reversed(_parts(text)[1:]):
        part = meet(met.case._replace(text=text[start:end]))
        if part.is_same:
            continue
        values = [_literal(each.content) for each in (part.ours, part.theirs) if each.word == "value"]
        for value in values or ["null"]:
            whole = f"{text[:start]}{value}{text[end:]}"
            if value and weight(whole) < weight(text):
                yield smallest(part, meet), meet(met.case._replace(text=whole))


def _parts(text: str) -> list[tuple[int, int]]:
    """The places of the parts of an expression, largest first."""
    try:
        pending: list[Node] = [parse(text)]
    except ExprError:
        return []
    found: set[tuple[int, int]] = set()
    while pending:
        node = pending.pop()
        found.add(_balanced(text, node.start, node.end))
        pending += children(node)
    return sorted(found, key=lambda part: (part[0] - part[1], part))


def _balanced(text: str, start: int, end: int) -> tuple[int, int]:
    """The place with all its parentheses: the parser's place leaves out those around the first and last piece."""
    lowest = level = 0
    for letter in _blanked(text)[start:end]:
        level += {"(": 1, ")": -1}.get(letter, 0)
        lowest = min(lowest, level)
    for _ in range(-lowest):
        start = text.rindex("(", 0, start)
    for _ in range(level - lowest):
        end = text.index(")", end) + 1
    return start, end


def _blanked(text: str) -> str:
    """The text with its quoted parts blanked, so that their content is not taken for syntax."""
    return re.sub(r"'(\\.|[^'\\])*'", lambda quoted: "'" + " " * (len(quoted[0]) - 2) + "'", text)


def _without_parentheses(text: str) -> Iterator[str]:
    blanked = _blanked(text)
    opened: list[int] = []
    for at, letter in enumerate(blanked):
        if letter == "(":
            opened.append(at)
        elif letter == ")" and opened:
            start = opened.pop()
            if start == 0 or not (blanked[start - 1].isalnum() or blanked[start - 1] == "_"):
                yield text[:start] + text[start + 1 : at] + text[at + 1 :]


PLAIN = {"null": 0, "true": 0, "false": 0, "dyn": 1, "double": 1, "duration": 1, "timestamp": 1}


def weight(text: str) -> tuple[int, int]:
    """How complicated a text is: by its names, then by its length. Functions around literals count half."""
    names = re.findall(r"(?<![\w'\\])[A-Za-z_]\w*", _blanked(text))
    return sum(PLAIN.get(name, 2) for name in names), len(text)


def _values(case: Case, meet: Meet) -> Iterator[str]:
    """Literals for the value of a part, with a kind that the checker knows, or not."""
    met = meet(case)
    if met.words != ("value", "value") or not met.is_same:
        return
    literal = _literal(met.ours.content)
    if literal:
        yield literal
        yield f"dyn({literal})"


def _literal(content: Any) -> str:
    """The written value as an expression; "" if it has none."""
    if content is None or isinstance(content, bool):
        return json.dumps(content)
    if isinstance(content, str):
        return _quoted(content)
    if isinstance(content, list):
        items = [_literal(each) for each in content]
        return f"[{', '.join(items)}]" if all(items) else ""
    [(kind, value)] = content.items()
    return LITERALS[kind](value) if kind in LITERALS else ""


def _quoted(value: str | bytes) -> str:
    """The literal of a text or bytes: Python's form is that of CEL unless it contains a single quote."""
    text = repr(value)
    return text if text.lstrip("b").startswith("'") else ""


def _map(entries: list[list[Any]]) -> str:
    pairs = [(_literal(key), _literal(value)) for key, value in entries]
    return "{" + ", ".join(": ".join(pair) for pair in pairs) + "}" if all(map(all, pairs)) else ""


LITERALS: dict[str, Callable[[Any], str]] = {
    "int": str,
    "uint": "{}u".format,
    "double": lambda value: f"double('{value}')" if value[-1].isalpha() else value,
    "bytes": lambda value: _quoted(base64.b64decode(value)),
    "type": lambda value: value if value.isidentifier() else "",
    "map": _map,
}
