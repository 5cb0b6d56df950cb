"""Services in memory hold a limited amount, and nothing for longer than needed. What they do: test_providers."""

from __future__ import annotations

import asyncio
import heapq

import pytest

from octo.core.errors import Transient
from octo.services.memory.key_value import Store
from octo.services.memory.leases import Holders
from octo.services.memory.queues import Lines
from octo.services.memory.topics import BYTES, KEPT_DURABLE, Logs
from octo.services.ports import Lagged
from octo.testing.clock import settle, virtual


def code_of(caught):
    return caught.value.code


# --- key-value ---------------------------------------------------------------------------------------------------


async def test_a_full_store_refuses_more_and_keeps_what_it_has():
    """One more entry is refused; existing entries can be replaced, and a deleted entry makes room."""
    store = Store(entries=2)
    await store.put("n", "a", 1)
    await store.put("n", "b", 1)
    with pytest.raises(Transient) as caught:
        await store.put("n", "c", 1)
    assert code_of(caught) == "OCTO-P113"

    await store.put("n", "a", 2)
    assert (await store.get("n", "a")).value == 2
    await store.delete("n", "b")
    await store.put("n", "c", 1)


async def test_bytes_count_too():
    """A replaced value frees its bytes, a refused one changes nothing."""
    store = Store(size=1000)
    await store.put("n", "a", "x" * 900)
    with pytest.raises(Transient):
        await store.put("n", "a", "x" * 1100)
    assert (await store.get("n", "a")).value == "x" * 900
    for _ in range(5):
        await store.put("n", "a", "y" * 900)
    await store.put("n", "a", "")
    await store.put("n", "b", "z" * 900)


async def test_the_last_byte_fits():
    store = Store(size=100)
    await store.put("n", "a", b"x" * 99)
    with pytest.raises(Transient):
        await store.put("n", "a", b"x" * 100)


@virtual()
async def test_what_has_expired_makes_room():
    """Even if nothing reads the expired entry."""
    store = Store(entries=1)
    for number in range(5):
        await store.put("n", str(number), number, ttl=1)
        await asyncio.sleep(1)


@virtual()
async def test_many_entries_are_not_looked_at_again_for_each_that_comes(monkeypatch):
    sorted_out = []
    monkeypatch.setattr(heapq, "heapify", sorted_out.append)
    store = Store()
    for number in range(3000):
        await store.put("n", str(number), number, ttl=3600)

    assert sorted_out == []


@virtual()
async def test_an_entry_that_is_renewed_for_ever_takes_no_more():
    """Each renewal leaves a note of when the entry would have ended; those notes are limited too."""
    store = Store()
    for _ in range(5000):
        await store.put("n", "a", 1, ttl=3600)

    assert len(store._expiring) <= 1003
    await asyncio.sleep(3600)
    assert await store.get("n", "a") is None


# --- leases ------------------------------------------------------------------------------------------------------


@virtual()
async def test_leases_are_limited_and_the_ended_make_room():
    holders = Holders(entries=2)
    await holders.acquire("a", 1)
    await holders.acquire("b", 10)
    with pytest.raises(Transient) as caught:
        await holders.acquire("c", 1)
    assert code_of(caught) == "OCTO-P113"

    await asyncio.sleep(1)
    assert await holders.acquire("c", 1) is not None


# --- queues ------------------------------------------------------------------------------------------------------


async def test_a_full_queue_refuses_more():
    """Until a message is acknowledged; waiting, lent and dead messages all count."""
    lines = Lines(entries=2)
    await lines.send("q", 1)
    await lines.send("q", 2)
    with pytest.raises(Transient) as caught:
        await lines.send("other", 3)
    assert code_of(caught) == "OCTO-P113"

    [received] = await lines.receive("q")
    await lines.reject(received, "no")
    with pytest.raises(Transient):
        await lines.send("q", 3)
    [dead] = await lines.receive("q", dead=True)
    await lines.ack(dead)
    await lines.send("q", 3)


async def test_what_was_refused_may_be_sent_again_with_its_key():
    """The key of a message for which there was no room is not remembered."""
    lines = Lines(entries=1)
    await lines.send("q", 1)
    with pytest.raises(Transient):
        await lines.send("q", 2, key="k")
    [received] = await lines.receive("q")
    await lines.ack(received)
    await lines.send("q", 2, key="k")

    [received] = await lines.receive("q")
    assert received.value == 2


@virtual()
async def test_keys_are_forgotten_after_two_minutes():
    """So there are at most as many as messages sent in that time."""
    lines = Lines(entries=2)
    first = await lines.send("q", 1, key="k")
    await asyncio.sleep(119)
    assert await lines.send("q", 1, key="k") == first
    await asyncio.sleep(1)
    assert await lines.send("q", 1, key="k") != first
    for received in await lines.receive("q", most=2):
        await lines.ack(received)
    await lines.send("q", 1, key="another")
    with pytest.raises(Transient):
        await lines.send("q", 1, key="one too many")


@virtual()
async def test_who_waits_gets_what_is_due_first():
    """Also while something else is held for longer."""
    lines, now = Lines(), asyncio.get_running_loop().time
    began = now()
    await lines.send("q", "held")
    await lines.receive("q", lease=30)
    await lines.send("q", "late", delay=5)

    [received] = await lines.receive("q", wait=60)
    assert (received.value, now() - began) == ("late", 5)
    [received] = await lines.receive("q", wait=60)
    assert (received.value, now() - began) == ("held", 30)


@virtual()
async def test_a_request_is_given_out_at_once():
    lines = Lines()
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(lines.request("q", 1, timeout=10))
        await settle()
        [received] = await lines.receive("q")
        await lines.ack(received, "answer")

    assert asking.result() == "answer"


async def test_an_empty_queue_is_nothing():
    """It takes no memory, however many names were used."""
    lines = Lines()
    for number in range(100):
        await lines.send(str(number), 1)
        [received] = await lines.receive(str(number))
        await lines.ack(received)

    assert lines._lines == {}


# --- topics ------------------------------------------------------------------------------------------------------


async def test_events_that_nobody_needs_are_not_kept():
    """An event is dropped when there are no subscribers, and as soon as every subscriber has seen it."""
    logs = Logs()
    await logs.publish("t", 1)
    assert logs._logs == {}

    async with logs.subscribe("t") as one, logs.subscribe("t", durable="d") as two:
        for number in range(100):
            await logs.publish("t", number)
            await anext(one)
            await two.commit(await anext(two))
        await logs.publish("t", "last")
        assert len(logs._logs["t"].events) == 1
    await logs.forget("t", "d")
    assert logs._logs == {}


async def test_large_events_are_kept_for_less_long():
    """A topic takes a limited number of bytes; a subscriber that misses events because of it gets `Lagged`."""
    logs = Logs()
    async with logs.subscribe("t", durable="d") as subscription:
        for number in range(40):
            await logs.publish("t", [number, b"x" * 1_000_000])
        assert logs._logs["t"].size <= BYTES
        with pytest.raises(Lagged, match="24 events of the topic 't' are gone"):
            await anext(subscription)
        assert (await anext(subscription)).value[0] == 24


async def test_who_is_away_for_too_long_is_told():
    """Ten thousand events are kept for a durable subscriber; with more it loses the oldest, and gets `Lagged` once."""
    logs = Logs()
    async with logs.subscribe("t", durable="d"):
        pass
    for number in range(KEPT_DURABLE + 2):
        await logs.publish("t", number)

    async with logs.subscribe("t", durable="d") as subscription:
        with pytest.raises(Lagged):
            await anext(subscription)
        assert [(await anext(subscription)).value for _ in range(KEPT_DURABLE)] == list(range(2, KEPT_DURABLE + 2))


async def test_durable_subscribers_are_limited():
    """A name per visitor would use up the memory; the existing subscribers go on."""
    logs = Logs(durable=1)
    async with logs.subscribe("t", durable="a"):
        pass
    with pytest.raises(Transient) as caught:
        async with logs.subscribe("t", durable="b"):
            pass
    assert code_of(caught) == "OCTO-P113"
    async with logs.subscribe("t", durable="a"), logs.subscribe("t"):
        pass


async def test_one_that_is_forgotten_while_it_listens_goes_on():
    """It gets new events; but none are kept for it once it leaves."""
    logs = Logs()
    async with logs.subscribe("t", durable="d") as subscription:
        await logs.forget("t", "d")
        await logs.publish("t", 1)
        event = await anext(subscription)
        await subscription.commit(event)
    assert event.value == 1
    assert logs._logs == {}
