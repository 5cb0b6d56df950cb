"""How well something is covered, as a colour and a sign."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from octo.suite.coverage.result import Item, Score

Status = Literal["full", "part", "none"]
SIGNS: dict[Status, str] = {"full": "✓", "part": "◐", "none": "✗"}


def status_of(item: Item) -> Status:
    """The status of an item and its own parts: the decisions of a block count, the blocks in its branches do not."""
    if not item.hits:
        return "none"
    own = [item, *(part for part in item.parts if part.kind == "decision" or "passed" in part.outcomes)]
    return "part" if any(each.missed for each in own) else "full"


def status_of_score(score: Score) -> Status:
    if score.covered == score.total:
        return "full"
    return "part" if score.covered else "none"


def together(each: Iterable[Status]) -> Status:
    """The status of several items together."""
    found = set(each)
    return found.pop() if len(found) == 1 else "part"
