"""Where two values differ that are as JSON or YAML has them. A masked secret is like any text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from octo.core.secrets import MARK
from octo.expr.values import digits

_INDEX = re.compile(r"\[\d+\]")


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()
"""Stands for a value that is not there."""


class Change(NamedTuple):
    """A place at which two values differ, e.g. `body.items[2].price`."""

    path: str
    was: object
    now: object


def changes(was: object, now: object, path: str = "") -> Iterator[Change]:
    """Yield every place at which a value is not as recorded. A masked secret is like any text."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*was, *now)):
            step = f"{path}.{key}" if path else str(key)
            if key in was and key in now:
                yield from changes(was[key], now[key], step)
            else:
                yield Change(step, was.get(key, ABSENT), now.get(key, ABSENT))
    elif isinstance(was, list | tuple) and isinstance(now, list | tuple):
        for index in range(max(len(was), len(now))):
            step = f"{path}[{index}]"
            if index < len(was) and index < len(now):
                yield from changes(was[index], now[index], step)
            else:
                yield Change(step, *((each[index] if index < len(each) else ABSENT) for each in (was, now)))
    elif not _same(was, now):
        yield Change(path, was, now)


def unlike(was: object, now: object, ignored: Sequence[str] = ()) -> list[Change]:
    """The places at which a value is not as recorded, without those that are ignored, and what is below them.

    ignored: places such as `body.at`, or `body.items[].id` for all items of a list.
    """
    return [each for each in changes(was, now) if not _is_ignored(each.path, ignored)]


def _is_ignored(path: str, ignored: Sequence[str]) -> bool:
    general = _INDEX.sub("[]", path)
    return any(
        form == each or form.startswith((f"{each}.", f"{each}[")) for each in ignored for form in (path, general)
    )


def _same(was: object, now: object) -> bool:
    if isinstance(was, str) and MARK.search(was):
        pattern = ".+".join(map(re.escape, MARK.split(was)))
        return isinstance(now, str | int | float) and re.fullmatch(pattern, str(now), re.DOTALL) is not None
    return isinstance(was, bool) == isinstance(now, bool) and digits(was) == digits(now)
