"""What failed alike is a group, and an id or a group names letters."""

from __future__ import annotations

import pytest

from octo.core import letter
from octo.core.errors import Permanent
from octo.core.message import Message
from octo.letters import groups
from octo.letters.groups import chosen, grouped
from octo.letters.places import Entry


class Place:
    """Letters in memory. reasons: one for each, the oldest first."""

    name = "a place"
    queue = ""

    def __init__(self, *reasons: str, ids: tuple[str, ...] = ()):
        self.entries = [
            Entry(
                self,
                str(number),
                letter.of("f", reason, ValueError(reason))._replace(first_at=f"T{number}", last_at=f"T{number}"),
                Message(number, event_id=ids[number] if ids else f"event{number}").to_record(),
            )
            for number, reason in enumerate(reasons)
        ]

    async def browse(self):
        for each in self.entries:
            yield each


async def test_a_group_has_its_size_its_times_and_its_newest_letter_as_a_sample():
    many, one = await grouped([Place("order 1 lost", "no card", "order 22 lost"), Place("order 5 lost")])

    assert (many.size, many.first, many.last, many.sample) == (3, "T0", "T2", "event2")
    assert (one.size, one.letter.reason, one.place) == (1, "no card", "a place")


async def test_without_letters_there_is_no_group():
    assert await grouped([Place()]) == []


async def test_many_causes_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(groups, "MOST_GROUPS", 3)
    found = await grouped([Place(*(f"cause {chr(97 + number) * 3}" for number in range(10)))])

    assert [(each.id == groups.OTHERS, each.size) for each in found] == [(True, 7), (False, 1), (False, 1), (False, 1)]


async def test_what_is_chosen_knows_its_flows():
    (found,) = await chosen([Place("a", "b")], [])
    assert found.flows == {"f"}


async def test_a_group_or_an_id_names_letters():
    place = Place("a 1", "b", "a 2", ids=("aaaaaa01", "bbbbbb02", "cccccc03"))
    group = place.entries[0].letter.fingerprint

    for names, ids in [
        ([], ["0", "1", "2"]),
        ([group], ["0", "2"]),
        (["bbbbbb02"], ["1"]),
        (["bbbbbb"], ["1"]),
        ([group, "bbbbbb"], ["0", "1", "2"]),
    ]:
        (found,) = await chosen([place], names)
        assert list(found.ids) == ids


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("nobody", "no dead letter has the id or group 'nobody'"),
        ("aaaaa", "no dead letter has the id or group 'aaaaa'"),
        ("aaaaaa", "'aaaaaa' is the beginning of several ids: aaaaaa01, aaaaaa02"),
        ("x" * 10_000, "no dead letter has the id or group 'xxxx"),
    ],
)
async def test_a_name_that_names_nothing_or_too_much_is_refused(name: str, complaint: str):
    with pytest.raises(Permanent) as caught:
        await chosen([Place("a", "b", ids=("aaaaaa01", "aaaaaa02"))], [name])
    assert str(caught.value).startswith(complaint)


async def test_a_misspelt_group_is_guessed():
    place = Place("a")
    group = place.entries[0].letter.fingerprint
    wrong = group[:-1] + ("0" if group[-1] != "0" else "1")
    with pytest.raises(Permanent, match=f"did you mean the group {group}"):
        await chosen([place], [wrong])


async def test_two_letters_of_one_message_are_both_meant():
    (found,) = await chosen([Place("a", "b", ids=("aaaaaa01", "aaaaaa01"))], ["aaaaaa"])
    assert list(found.ids) == ["0", "1"]
