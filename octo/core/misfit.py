"""Canned answers that do not fit: which one is the nearest, and why it was not given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from octo.expr import nearest

_MOST_LISTED = 5


class Misfit(NamedTuple):
    """Why a canned answer does not fit a call. closeness: how much of it fits; 0 if it is for another call."""

    closeness: int
    reason: str


def advice(asked: str, labels: Sequence[str], misfits: Sequence[Misfit], quoted: Callable[[str], str] = str) -> str:
    """Return what a stub says of its answers when none of them fits.

    asked: the call, written as the labels are. labels, misfits: one for each answer. quoted: shows a label.
    """
    if not misfits:
        return "it has no `answers` at all"
    closest = max(misfits, key=lambda each: each.closeness)
    if closest.closeness:
        number = misfits.index(closest) + 1
        return f"the nearest is answer {number} ({quoted(labels[number - 1])}), but {closest.reason}"
    if near := nearest(asked, labels):
        return f"the nearest is answer {labels.index(near) + 1} ({quoted(near)})"
    more = ", ..." if len(labels) > _MOST_LISTED else ""
    return f"it answers {', '.join(map(quoted, labels[:_MOST_LISTED]))}{more}"
