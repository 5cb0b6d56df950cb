"""Groups: the letters with one cause, and the letters that an id or a group names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from octo.core.errors import Permanent
from octo.core.letter import Letter
from octo.expr import nearest
from octo.letters.places import Entry, Place

SHORTEST_PREFIX = 6
"""Characters of an id that are enough."""
MOST_GROUPS = 1_000
"""Groups that are told apart. The letters of further ones count as one group, so that whoever sends many kinds of bad
messages cannot fill the memory of who looks at them."""
OTHERS = "others"


class Group(NamedTuple):
    """Letters with one cause. size: how many. sample: the event id of the newest. letter: that of the newest."""

    id: str
    size: int
    first: str
    last: str
    sample: str
    place: str
    letter: Letter

    def as_value(self) -> dict[str, Any]:
        letter = self.letter
        return {
            "group": self.id,
            "count": self.size,
            "flow": letter.flow,
            "block": letter.block,
            "code": letter.code,
            "type": letter.type,
            "reason": letter.reason,
            "firstAt": self.first,
            "lastAt": self.last,
            "sample": self.sample,
            "place": self.place,
        }


async def grouped(places: Iterable[Place]) -> list[Group]:
    """The groups, the largest first."""
    found: dict[str, Group] = {}
    for place in places:
        async for entry in place.browse():
            name = entry.letter.fingerprint
            name = name if name in found or len(found) < MOST_GROUPS else OTHERS
            found[name] = _joined(found.get(name), name, entry)
    return sorted(found.values(), key=lambda group: (-group.size, group.id))


def _joined(group: Group | None, name: str, entry: Entry) -> Group:
    letter = entry.letter
    if group is None:
        return Group(name, 1, letter.first_at, letter.last_at, entry.event_id, entry.place.name, letter)
    first = min(filter(None, (group.first, letter.first_at)), default="")
    counted = group._replace(size=group.size + 1, first=first)
    if letter.last_at < group.last:
        return counted
    return counted._replace(last=letter.last_at, sample=entry.event_id, letter=letter)


class Chosen(NamedTuple):
    """Letters of a place, the oldest first. flows: those that they failed in, at most `MOST_GROUPS`."""

    place: Place
    ids: Sequence[str]
    flows: frozenset[str] = frozenset()


async def chosen(places: Iterable[Place], names: Sequence[str]) -> list[Chosen]:
    """The letters that these ids and groups name; all letters without a name. Raises `Permanent` if one names none."""
    unused, known, found = set(names), set[str](), list[Chosen]()
    events: dict[str, set[str]] = {}
    for place in places:
        ids, flows = list[str](), set[str]()
        async for entry in place.browse():
            group, event = entry.letter.fingerprint, entry.event_id
            if len(known) < MOST_GROUPS:
                known.add(group)
            prefixes = [each for each in names if each != group and _is_id(each, event)]
            if names and group not in names and not prefixes:
                continue
            ids.append(entry.id)
            if len(flows) < MOST_GROUPS:
                flows.add(entry.letter.flow)
            unused.difference_update((group, *prefixes))
            for each in prefixes:
                events.setdefault(each, set()).add(event)
        if ids:
            found.append(Chosen(place, ids, frozenset(flows)))
    _refuse_many(events)
    for name in sorted(unused):
        guess = nearest(name, sorted(known)[:MOST_GROUPS])
        hint = f"; did you mean the group {guess}?" if guess else ""
        raise Permanent(f"no dead letter has the id or group {name[:80]!r}{hint}")
    return found


def _is_id(name: str, event: str) -> bool:
    return name == event or (len(name) >= SHORTEST_PREFIX and event.startswith(name))


def _refuse_many(events: dict[str, set[str]]) -> None:
    for name, ids in events.items():
        if len(ids) > 1 and name not in ids:
            raise Permanent(f"{name!r} is the beginning of several ids: {', '.join(sorted(ids)[:5])}")
