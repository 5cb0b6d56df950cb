"""How the systems behind the cassettes have changed since they were recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from octo.core.cassette import Asked, Cassette
from octo.core.changes import ABSENT, Change
from octo.core.secrets import masked
from octo.core.shown import shown

_MOST = 20
"""At most this many changes of one exchange are listed."""
_WIDEST = 160


class Line(NamedTuple):
    """A line for the terminal."""

    text: str
    colour: str | None = None


class Drift(NamedTuple):
    """What has changed, as lines. is_any: whether something has."""

    lines: list[Line]
    is_any: bool


def drift(cassettes: Iterable[Cassette]) -> Drift:
    """Tell of every cassette that was compared."""
    found = list(cassettes)
    if not found:
        return Drift([Line("no case has a cassette, so there is nothing to compare")], is_any=False)
    lines = [line for cassette in found for line in _of(cassette)]
    return Drift(lines, any(_has_changed(each) for cassette in found for each in cassette.asked))


def _has_changed(asked: Asked) -> bool:
    return bool(asked.changes or asked.error or asked.at is None)


def _of(cassette: Cassette) -> Iterator[Line]:
    asked = cassette.asked
    changed = [each for each in asked if _has_changed(each)]
    if not changed:
        yield Line(f"same  {cassette.file}  {_count(len(asked))}, as recorded", "green")
    else:
        yield Line(f"DRIFT {cassette.file}  {len(changed)} of {_count(len(asked))}", "red")
    for each in changed:
        yield from _exchange(cassette, each)
    idle = [index for index in range(len(cassette.exchanges)) if index not in cassette.used]
    for index in idle:
        label = cassette.form.label(cassette.exchanges[index].request)
        yield Line(f"  not asked for by these cases: {_said(index, label)}", "yellow")


def _exchange(cassette: Cassette, asked: Asked) -> Iterator[Line]:
    label = cassette.form.label(asked.request)
    if asked.at is None:
        why = f": {masked(asked.error)}" if asked.error else ""
        yield Line(f"  not recorded: {masked(label)}{why}")
        return
    yield Line(f"  {_said(asked.at, label)}")
    if asked.error:
        yield Line(f"      no reply: {masked(asked.error)}")
    for change in asked.changes[:_MOST]:
        yield Line(f"      {_told(change)}")
    if len(asked.changes) > _MOST:
        yield Line(f"      and {len(asked.changes) - _MOST} more")


def _said(index: int, label: str) -> str:
    return f"exchange {index + 1}, {masked(label)}"


def _told(change: Change) -> str:
    path = change.path or "reply"
    if change.was is ABSENT:
        return f"{path}: new, {_cut(change.now)}"
    if change.now is ABSENT:
        return f"{path}: gone, was {_cut(change.was)}"
    return f"{path}: was {_cut(change.was)}, is {_cut(change.now)}"


def _cut(value: object) -> str:
    text = masked(shown(value))  # before cutting: a part of a secret is not recognised
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}... ({len(text)} characters)"


def _count(number: int) -> str:
    return f"{number} exchange{'' if number == 1 else 's'}"
