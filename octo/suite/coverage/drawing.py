"""Draws a flow as boxes from top to bottom; composites are frames with their branches side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from octo.suite.coverage.markup import Html, element, joined
from octo.suite.coverage.result import Flow, Item
from octo.suite.coverage.status import SIGNS, Status, status_of


def drawing(flow: Flow) -> Html:
    """Return the chain of a flow, with its error chain beside it."""
    blocks = [item for item in flow.items if item.kind == "block"]
    recovery = [_branch(item) for item in flow.items if item.kind == "error"]
    return element("div", "lanes", *(element("div", "lane", each) for each in (_chain(blocks), *recovery)))


def outcomes(item: Item) -> Html:
    """Return the outcomes of a decision, each with a sign."""
    if not item.hits:
        return element("span", "outcome none", "✗ never evaluated")
    return joined(*(_outcome(name, hits) for name, hits in item.outcomes.items()))


def _outcome(name: str, hits: int) -> Html:
    if hits:
        return element("span", "outcome full", f"✓ {name} {times(hits)}")
    return element("span", "outcome none", f"✗ never {name}")


def times(hits: int) -> str:
    return f"{hits:,}×"  # noqa: RUF001  the sign, not a letter


def _chain(items: Iterable[Item]) -> Html:
    boxes = [element("li", "", _box(item)) for item in items]
    if not boxes:
        return element("p", "empty", "no blocks")
    return element("ol", "chain", *boxes)


def _box(item: Item) -> Html:
    branches = [_branch(part) for part in item.parts if part.kind != "decision"]
    inside = [
        _title(item),
        *_decisions(item),
        *([element("div", "branches", *branches)] if branches else []),
    ]
    frame = "frame" if branches else "plain"
    return element("div", f"box {frame} {status_of(item)}", *inside, title=str(item.at))


def _title(item: Item) -> Html:
    kind = [element("span", "type", item.type)] if item.type != item.text else []
    failed = [element("span", "failed", f"{item.failed:,} failed")] if item.failed else []
    return _line(item, status_of(item), *kind, *failed)


def _line(item: Item, status: Status, *more: Html) -> Html:
    """The sign and name of a box or branch, and how often it ran."""
    name = element("span", "name", element("span", "sign", SIGNS[status]), " ", item.text)
    return element("div", "title", name, *more, element("span", "hits", times(item.hits) if item.hits else "never"))


def _decisions(item: Item) -> Iterator[Html]:
    found = [part for part in item.parts if part.kind == "decision"]
    if found:
        rows = [element("li", "", element("code", "", each.text), " ", outcomes(each)) for each in found]
        yield element("ul", "decisions", *rows)


def _branch(item: Item) -> Html:
    status: Status = "full" if item.hits else "none"
    content = element("p", "empty", "passes through") if "passed" in item.outcomes else _chain(item.parts)
    return element("div", f"branch {item.kind} {status}", _line(item, status), content)
