"""A reader gives each event once, in order, and says so when some are gone."""

from __future__ import annotations

import asyncio

import pytest

from octo.services import reader, values
from octo.services.bells import Bells
from octo.services.ports import Lagged
from octo.services.reader import KEPT, KEPT_DURABLE, Found
from octo.testing.clock import virtual


class Store:
    """Events in a list; their numbers begin at 1. gone: how many of the oldest are not kept any more."""

    def __init__(self):
        self.events, self.gone, self.committed = [], 0, []
        self.bells = Bells()
        self.listening = self.bells.listening

    def publish(self, *published):
        self.events += [values.sealed(each, "prices") for each in published]
        self.bells.ring("topic prices")


class Reader(reader.Reader[Store]):
    async def _after(self):
        events = list(enumerate(self._store.events, 1))
        return Found(len(events), events[max(self._seen, self._store.gone) :][:100])

    async def _commit(self, number):
        self._store.committed.append((self._durable, number))


@virtual()
async def test_who_waits_gets_the_next_event_when_it_is_published():
    store = Store()
    following = Reader(store, "prices", "", 0)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(anext(following))
        await asyncio.sleep(1)
        store.publish("one")
    store.publish("two")
    assert [await first, await anext(following)] == [("one", "1"), ("two", "2")]


@virtual()
async def test_a_subscriber_gets_what_comes_after_the_event_it_has_seen():
    store = Store()
    store.publish("before", "after")
    assert (await anext(Reader(store, "prices", "", 1))).value == "after"


@virtual()
async def test_one_that_missed_events_is_told_how_many_and_goes_on_with_the_oldest():
    store = Store()
    store.publish(1, 2, 3, 4, 5)
    store.gone = 3
    following = Reader(store, "prices", "", 1)
    with pytest.raises(Lagged, match="2 events of the topic 'prices' are gone"):
        await anext(following)
    assert (await anext(following)).value == 4


@pytest.mark.parametrize(("durable", "kept"), [("", KEPT), ("audit", KEPT_DURABLE)])
@virtual()
async def test_more_events_are_kept_for_a_durable_subscriber(durable, kept):
    store = Store()
    store.publish(*range(1, kept + 2))
    following = Reader(store, "prices", durable, 0)
    with pytest.raises(Lagged, match="1 events"):
        await anext(following)
    assert (await anext(following)).value == 2


@pytest.mark.parametrize(("durable", "committed"), [("", []), ("audit", [("audit", 1)])])
@virtual()
async def test_only_a_durable_subscriber_is_remembered(durable, committed):
    store = Store()
    store.publish("one")
    following = Reader(store, "prices", durable, 0)
    await following.commit(await anext(following))
    assert store.committed == committed


@virtual()
async def test_an_event_that_is_not_as_it_was_written_is_refused():
    store = Store()
    store.events.append(values.sealed("one", "another topic"))
    with pytest.raises(values.Damaged):
        await anext(Reader(store, "prices", "", 0))
