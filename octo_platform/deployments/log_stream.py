"""The log as a stream that is taken up again where it broke off: each line has an id."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from hashlib import blake2b
from typing import NamedTuple

from octo_platform.deploy.target import LogLine, Target

LOOKED_AT = 10_000
"""Lines in which the one is looked for that somebody has seen last."""

_OVERLAP = 200
"""Lines that are sent again where several instances write: their order may be another one by now."""

_LEFT_OUT = LogLine(None, "", "lines may be left out here")


class Marked(NamedTuple):
    """A line and its id: "" for what no instance has written. line: None where one begins behind that id."""

    id: str
    line: LogLine | None


async def followed(target: Target, deployment: str, lines: int, last: str) -> AsyncGenerator[Marked]:
    """The last lines and then each as it comes; with `last`, the id of a line, those that came after it.

    Where that line is not found any more, all that is kept is sent, after a line that says so.
    """
    seen: dict[str, None] = {}
    if last or lines == 0:
        kept = [each async for each in _marked(target.logs(deployment, lines=LOOKED_AT, follow=False))]
        seen, begin = _begin(kept, last)
        lines = LOOKED_AT
        yield begin
    is_behind = bool(seen)
    async with aclosing(_marked(target.logs(deployment, lines=lines, follow=True))) as found:
        async for each in found:
            # Invariant: nothing is left out that came between the two looks; so it begins with the first unseen line.
            is_behind = is_behind and each.id in seen
            if not is_behind:
                yield each


def _begin(kept: Sequence[Marked], last: str) -> tuple[dict[str, None], Marked]:
    """The ids of what is not sent, and what is told first."""
    ids = [each.id for each in kept]
    if not last:
        return dict.fromkeys(ids), Marked(ids[-1] if ids else "", None)
    if last not in ids:
        return {}, Marked("", _LEFT_OUT)
    is_of_one = len({each.line.instance for each in kept if each.line}) == 1
    end = ids.index(last) + 1
    return dict.fromkeys(ids[: end if is_of_one else max(0, end - _OVERLAP)]), Marked(last, None)


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
