"""Shows a trace to people: a tree of flows and blocks, each with what it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from octo.core.printable import printable, printable_json
from octo.core.shown import shown as shown_value
from octo.trace.record import Record, SpanState, begins, states, value as value_of

Style = Callable[[str, str], str]
"""Puts a text into a colour, or leaves it plain."""

_COLOURS = {"completed": "green", "dropped": "yellow", "failed": "red", "cancelled": "red"}
_WIDEST = 100
"""Characters of a value that are shown, at most."""
_DEEPEST = 20
"""Levels of indentation, at most: calls may nest by the hundred."""


def shown(trace: Sequence[Record], style: Style, *, width: int | None = _WIDEST) -> Iterator[str]:
    """The lines of a trace. `width` cuts values; None shows them whole.

    A one-way call is a tree of its own: it ran beside what its caller did next.
    """
    depths: dict[str, int] = {}
    paths: dict[str, str] = {}
    style = _safe(style)
    for record in trace:
        if "span" not in record:
            yield style(f"({record['count']} traces were lost here)", "yellow")
    for state in states(trace):
        record = state.record
        parent = record.get("parent", "")
        depth = depths[record["span"]] = 0 if begins(record) else depths.get(parent, -1) + 1
        paths[record["span"]] = record["path"]
        margin = "  " * min(depth, _DEEPEST)
        yield margin + _head(record, style, is_first=depth == 0)
        if depth == 0 and parent in paths:
            yield style(f"    called by {paths[parent]}", "")
        for line, colour in _facts(state, is_first=depth == 0):
            yield f"{margin}    {style(_cut(line, width), colour)}"


def _safe(style: Style) -> Style:
    """A style that escapes control characters: the sender of a message chooses texts that reach the terminal."""
    return lambda text, colour: style(printable(text), colour) if colour else printable(text)


def _head(record: Record, style: Style, *, is_first: bool) -> str:
    outcome = record["outcome"]
    told = [style(record["path"], "bold"), style(record.get("type", ""), ""), _time(record["duration"])]
    if outcome != "completed" or is_first:
        told.append(style(outcome, _COLOURS[outcome]))
    if record["kind"] == "flow":
        told.append(style(f"event {record['event']}", ""))
    if is_first:
        told += [_moment(record["at"]), f"generation {record.get('generation', 1)}"]
    return "  ".join(each for each in told if each)


def _facts(state: SpanState, *, is_first: bool) -> Iterator[tuple[str, str]]:
    """Lines, each with its colour, "" for none."""
    record = state.record
    given = record.get("input", {})
    if is_first:
        variables = {"vars": state.before.vars} if state.before.vars else {}
        yield f"in   {_json({'body': state.before.body, **variables})}", ""
    else:
        yield from _changes("in   ", given)
    for effect in record.get("effects", ()):
        facts = " ".join(f"{name}={_json(value)}" for name, value in effect.items() if name not in ("kind", "at"))
        yield f"{effect['kind']} {facts}", "cyan"
    yield from _changes("", record.get("output", {}))
    for text, value in record.get("values", {}).items():
        yield f"{text}  =  {_json(value_of(value))}", ""
    for place, size in record.get("omitted", {}).items():
        yield f"{place} was left out, {size:,} bytes", "yellow"
    if record.get("brief"):
        kept = "the block that failed" if record["outcome"] == "failed" else "what came in"
        yield f"not in the sample: only {kept} was recorded", "yellow"
    if record.get("more"):
        yield f"{record['more']} more blocks were not recorded", "yellow"
    if record.get("stopped"):
        yield "the flow is complete with this: what follows did not run", ""
    if record.get("reason"):
        yield f"because {record['reason']}", ""
    error = record.get("error")
    if error:
        place = f" at {error['at']}" if "at" in error else ""
        yield f"{error.get('code', '')} {error['message']}{place}".strip(), "red"


def _changes(prefix: str, change: Any) -> Iterator[tuple[str, str]]:
    if "body" in change:
        yield f"{prefix}body = {_json(value_of(change['body']))}", ""
    for name, value in change.get("set", {}).items():
        yield f"{prefix}vars.{name} = {_json(value_of(value))}", ""
    for name in change.get("unset", ()):
        yield f"{prefix}vars.{name} is gone", ""


def _json(value: object) -> str:
    return printable_json(shown_value(value))


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else f"{text[: width - 3]}..."


def _time(nanoseconds: int) -> str:
    milliseconds = nanoseconds / 1e6
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 1000 else f"{milliseconds:.3g} ms"


def _moment(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
