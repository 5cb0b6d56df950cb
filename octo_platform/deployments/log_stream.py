"""The log as a stream that is taken up again where it broke off: each line has an id."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence, Set as AbstractSet
from contextlib import aclosing
from datetime import timedelta
from hashlib import blake2b
from typing import NamedTuple

from octo_platform.deploy.target import LogLine, Target

LOOKED_AT = 10_000
"""Lines in which the one is looked for that somebody has seen last."""

_LATE = timedelta(seconds=10)
"""How much later than its time a line of one instance may come than those of others. Read again, all stand in the order
of their times: so those of other instances from just before the last one that was seen are sent again.
"""

_LEFT_OUT = LogLine(None, "", "lines may be left out here")


class Marked(NamedTuple):
    """A line and its id: "" for what no instance has written. line: None where one begins behind that id."""

    id: str
    line: LogLine | None


async def followed(target: Target, deployment: str, lines: int, last: str) -> AsyncGenerator[Marked]:
    """The last lines and then each as it comes; with `last`, the id of a line, those that came after it.

    Where that line is not found any more, all that is kept is sent, after a line that says so.
    """
    seen: AbstractSet[str] = set()
    if last or lines == 0:
        kept = [each async for each in _marked(target.logs(deployment, lines=LOOKED_AT, follow=False))]
        seen, begin = _begin(kept, last)
        lines = LOOKED_AT
        yield begin
    async with aclosing(_marked(target.logs(deployment, lines=lines, follow=True))) as found:
        async for each in found:
            if each.id not in seen:  # what came between the two looks is not
                yield each


def _begin(kept: Sequence[Marked], last: str) -> tuple[AbstractSet[str], Marked]:
    """The ids of what is not sent, and what is told first."""
    ids = [each.id for each in kept]
    if not last:
        return {*ids}, Marked(ids[-1] if ids else "", None)
    if last not in ids:
        return set(), Marked("", _LEFT_OUT)
    before = kept[: ids.index(last) + 1]
    return {each.id for each in before if not _may_be_late(each.line, before[-1].line)}, Marked(last, None)


def _may_be_late(line: LogLine | None, last: LogLine | None) -> bool:
    if line is None or last is None or line.instance == last.instance or line.at is None or last.at is None:
        return False
    return line.at >= last.at - _LATE


async def _marked(lines: AsyncIterator[LogLine]) -> AsyncGenerator[Marked]:
    """Each line with an id that it has again when it is read again. Equal lines are counted."""
    counts: OrderedDict[str, int] = OrderedDict()
    async for each in lines:
        if not each.instance:
            yield Marked("", each)
            continue
        moment = each.at.isoformat() if each.at else ""
        text = f"{each.instance}\n{moment}\n{each.text}".encode(errors="replace")
        digest = blake2b(text, digest_size=9).hexdigest()
        number = counts.pop(digest, 0)
        counts[digest] = number + 1
        if len(counts) > LOOKED_AT:
            counts.popitem(last=False)
        yield Marked(f"{digest}-{number}", each)
