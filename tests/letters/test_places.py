"""Looking takes no letter, and what was taken and not settled is not lost."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from octo.core import letter
from octo.core.letter import VARIABLE
from octo.core.message import Message
from octo.engine.burial import InFile as FileGrave, InQueue as QueueGrave
from octo.letters import places
from octo.letters.places import InFile, InQueue
from octo.services.memory.queues import Lines
from octo.testing.clock import virtual


def told(reason: str = "no", flow: str = "f"):
    return letter.of(flow, reason, ValueError(reason))


class Dead:
    """The dead letters of a queue."""

    def __init__(self, _):
        self.queues = Lines()
        self.place = InQueue(self.queues, "jobs", "f")

    async def add(self, body, reason: str | None = None):
        await self.queues.send("jobs", Message(body).to_record() if body != "garbage" else body)
        (received,) = await self.queues.receive("jobs")
        await self.queues.reject(received, reason or told().as_text())

    async def left(self):
        return [each.value["body"] for each in (await self.queues.browse("jobs", dead=True)).messages]


class Parked:
    """Letters that are messages of a queue, between others."""

    def __init__(self, _):
        self.queues = Lines()
        self.place = InQueue(self.queues, "parked", dead=False)

    async def add(self, body):
        await self.queues.send("parked", Message("a message like any other").to_record())
        await QueueGrave(self.queues, "parked").keep(Message(body, {"mine": 1}), told())

    async def left(self):
        seen = (await self.queues.browse("parked")).messages
        return [each.value["body"] for each in seen if VARIABLE in each.value.get("vars", {})]


class Filed:
    """The letters of a file."""

    def __init__(self, folder):
        self.path = folder / "lost.jsonl"
        self.place = InFile(self.path)

    async def add(self, body):
        await FileGrave(self.path).keep(Message(body, {"mine": 1}), told())

    async def left(self):
        return [entry.message().body async for entry in InFile(self.path).browse()]


@pytest.fixture(params=[Dead, Parked, Filed], ids=lambda kind: kind.__name__.lower())
def kind(request, tmp_path):
    return request.param(tmp_path)


async def ids(place):
    return [entry.id async for entry in place.browse()]


@virtual()
async def test_looking_takes_nothing_however_many_there_are(kind):
    for number in range(40):
        await kind.add(number)

    for _ in range(2):
        found = [(entry.message().body, entry.letter.reason) async for entry in kind.place.browse()]
        assert found == [(number, "no") for number in range(40)]


@virtual()
async def test_the_message_is_as_it_came_into_its_flow(kind):
    await kind.add("body")
    (entry,) = [entry async for entry in kind.place.browse()]

    assert VARIABLE not in entry.message().vars
    assert entry.event_id == entry.message().event_id


@virtual()
async def test_what_is_done_is_gone_and_the_others_are_there_again(kind):
    for number in range(20):
        await kind.add(number)
    wanted = (await ids(kind.place))[3:12:4]
    async with aclosing(kind.place.take(wanted, most=16)) as taking:
        bodies = []
        async for taken in taking:
            bodies.append(taken.entry.message().body)
            await taken.done()

    assert bodies == [3, 7, 11]
    assert sorted(await kind.left()) == [number for number in range(20) if number not in (3, 7, 11)]
    assert await ids(kind.place) != []
    async with aclosing(kind.place.take(await ids(kind.place), most=1)) as taking:
        assert len([taken async for taken in taking]) == 17, "those that were not wanted were given back at once"


@virtual()
async def test_of_many_letters_few_are_in_memory_at_once():
    kind = Dead(None)
    for number in range(200):
        await kind.add(number)
    async with aclosing(kind.place.take(await ids(kind.place), most=16)) as taking:
        async for taken in taking:
            assert len(kind.queues._lines["jobs", True].lent) <= 16
            await taken.done()

    assert await kind.left() == []


@virtual()
async def test_who_leaves_in_the_middle_loses_nothing(kind):
    for number in range(5):
        await kind.add(number)
    async with aclosing(kind.place.take(await ids(kind.place), most=16)) as taking:
        taken = await anext(taking)
        await taken.back()

    assert sorted(await kind.left()) == [0, 1, 2, 3, 4]
    async with aclosing(kind.place.take(await ids(kind.place), most=16)) as taking:
        assert len([taken async for taken in taking]) == 5


@virtual()
async def test_what_somebody_else_has_taken_is_not_waited_for(kind):
    await kind.add(1)
    async with aclosing(kind.place.take(["gone", *await ids(kind.place)], most=4)) as taking:
        assert len([taken async for taken in taking]) == 1


@virtual()
async def test_a_second_failure_replaces_the_first(tmp_path):
    for kind in (Parked(tmp_path), Filed(tmp_path)):
        await kind.add("bad")
        async with aclosing(kind.place.take(await ids(kind.place), most=1)) as taking:
            async for taken in taking:
                await taken.again(told("worse").after(taken.entry.letter))
        (entry,) = [entry async for entry in kind.place.browse()]
        assert (entry.letter.reason, entry.letter.attempts, entry.message().body) == ("worse", 2, "bad")


@virtual()
async def test_a_plain_reason_and_a_value_that_is_no_message_are_letters_too():
    kind = Dead(None)
    await kind.add("garbage", "it is no record")
    (entry,) = [entry async for entry in kind.place.browse()]

    assert (entry.letter.reason, entry.letter.flow, entry.event_id) == ("it is no record", "f", entry.id)


@virtual()
async def test_what_is_held_stays_longer_than_its_lease(monkeypatch):
    kind = Dead(None)
    await kind.add(1)
    async with aclosing(kind.place.take(await ids(kind.place), most=1)) as taking:
        taken = await anext(taking)
        await taken.hold()
        monkeypatch.setattr(places, "LEASE", 1.0)
        assert await kind.queues.receive("jobs", dead=True) == []
        await taken.done()


async def test_a_line_that_nobody_can_read_is_counted(tmp_path):
    kind = Filed(tmp_path)
    await kind.add(1)
    with kind.path.open("ab") as file:
        file.write(b"nonsense\n")

    assert len(await ids(kind.place)) == 1
    assert kind.place.unreadable == 1
