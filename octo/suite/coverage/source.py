"""The YAML of a flow; each line has the colour of the item that it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from octo.suite.coverage.drawing import outcomes
from octo.suite.coverage.markup import Html, element, joined
from octo.suite.coverage.result import File, Flow, Item
from octo.suite.coverage.status import Status, status_of, together


class Line(NamedTuple):
    """A line of a file. status: of the item it belongs to, None if none. decisions: those that begin on it."""

    number: int
    text: str
    status: Status | None
    decisions: tuple[Item, ...]


def source(file: File, flow: Flow) -> Html:
    """Return the lines of a flow; empty if the file could not be read."""
    return element("div", "source", *(_row(line) for line in lines(file, flow))) if file.source else Html()


def lines(file: File, flow: Flow) -> Iterator[Line]:
    """Yield the lines from the first of a flow to its last."""
    written = file.source.split("\n")
    here = [item for item in flow.walk() if item.at.file == file.name]
    blocks: dict[int, list[Item]] = defaultdict(list)
    decisions: dict[int, list[Item]] = defaultdict(list)
    for item in here:
        if item.kind in ("block", "decision"):
            (blocks if item.kind == "block" else decisions)[item.at.line].append(item)
    around: list[Item] = []
    for number in range(flow.at.line, _last(written, flow, here) + 1):
        text = written[number - 1]
        around = [each for each in around if each.at.column <= _column(text)] if _says(text) else around
        around += blocks[number]
        owners = blocks[number] or around[-1:]
        status = together(map(status_of, owners)) if owners and _says(text) else None
        yield Line(number, text, status, tuple(decisions[number]))


def _last(written: list[str], flow: Flow, here: list[Item]) -> int:
    """The last line of a flow: the next line that says something is indented less."""
    last = max((item.at.line for item in here), default=flow.at.line)
    for number, text in enumerate(written[flow.at.line :], flow.at.line + 1):
        if not _says(text):
            continue
        if _column(text) < flow.at.column and number > last:
            break
        last = max(last, number)
    return min(last, len(written))


def _says(text: str) -> bool:
    """Whether the line is neither empty nor a comment."""
    return not text.lstrip().startswith("#") if text.strip() else False


def _column(text: str) -> int:
    return len(text) - len(text.lstrip(" ")) + 1


def _row(line: Line) -> Html:
    notes = [element("div", "note", element("code", "", each.text), " ", outcomes(each)) for each in line.decisions]
    number = element("span", "number", str(line.number))
    return joined(element("div", f"line {line.status or ''}".strip(), number, element("code", "", line.text)), *notes)
