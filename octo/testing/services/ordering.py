"""What a service of queues promises of messages with an ordering key. Its checks belong to the suite of queues."""

from __future__ import annotations

import asyncio

from octo.core.errors import Permanent
from octo.services.ports import Queues
from octo.testing.services.queues import QUEUES, nothing, one
from octo.testing.services.suite import NAMES, fresh, refused


async def ordered(queues: Queues, queue: str, key: str, *values: object) -> bool:
    """Send the values with this ordering key; False for queues that keep no order, which must refuse it."""
    if queues.keeps_order:
        for value in values:
            await queues.send(queue, value, order=key)
    else:
        await refused(Permanent, queues.send(queue, values[0], order=key))
        assert await queues.count(queue) == 0, "it was refused, and sent all the same"
    return queues.keeps_order


@QUEUES.check
async def an_ordering_key_keeps_the_order(queues: Queues, second: float) -> None:
    """Messages of one ordering key are given out one at a time, in the order of sending; others go meanwhile."""
    queue = fresh()
    if not await ordered(queues, queue, "a", "a1", "a2", "a3"):
        return
    await ordered(queues, queue, "b", "b1", "b2")
    await queues.send(queue, "free")
    assert await queues.count(queue) == 6
    seen = (await queues.browse(queue)).messages
    assert [(each.value, each.order) for each in seen] == [
        *(("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("b2", "b"), ("free", "")),
    ]
    a, b, free = await queues.receive(queue, most=10, lease=60 * second)
    assert [a.value, b.value, free.value] == ["a1", "b1", "free"]
    assert [a.order, b.order, free.order] == ["a", "b", ""]
    await nothing(queues, queue)
    await queues.ack(b)
    b = await one(queues, queue)
    assert b.value == "b2"
    await queues.ack(a)
    await queues.ack(b)
    await ordered(queues, queue, "b", "b3")
    rest = await queues.receive(queue, most=10)
    assert sorted(str(each.value) for each in rest) == ["a2", "b3"]
    for each in (*rest, free):
        await queues.ack(each)
    await queues.ack(await one(queues, queue))
    assert await queues.count(queue) == 0


@QUEUES.check
async def who_waits_for_a_key_is_woken(queues: Queues, second: float) -> None:
    """A receiver that waits gets the next message of the key as soon as the one before is settled."""
    queue = fresh()
    if not await ordered(queues, queue, "a", 1, 2):
        return
    first = await one(queues, queue, lease=600 * second)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(queues.receive(queue, wait=300 * second))
        await asyncio.sleep(second)
        assert not waiting.done()
        await queues.ack(first)
    assert [each.value for each in waiting.result()] == [2]


@QUEUES.check
async def a_retry_holds_up_its_ordering_key_alone(queues: Queues, second: float) -> None:
    """While one waits to be given out again, those behind it wait; those of other keys, and of none, do not."""
    queue = fresh()
    if not await ordered(queues, queue, "bad", 1, 2):
        return
    await queues.nack(await one(queues, queue), delay=2 * second)
    await ordered(queues, queue, "good", 3)
    await queues.send(queue, 4)
    found = await queues.receive(queue, most=10)
    assert [each.value for each in found] == [3, 4]
    again = await one(queues, queue, wait=30 * second)
    assert (again.value, again.attempt) == (1, 2)
    await queues.nack(again)
    again = await one(queues, queue, wait=30 * second)
    assert (again.value, again.attempt) == (1, 3)
    await nothing(queues, queue)
    await queues.ack(again)
    assert (await one(queues, queue)).value == 2


@QUEUES.check
async def who_vanishes_loses_no_order(queues: Queues, second: float) -> None:
    """A receiver that is killed holds up its key until its lease is over; then the same message comes first."""
    queue = fresh()
    if not await ordered(queues, queue, "a", 1, 2):
        return
    await one(queues, queue, lease=2 * second)
    await nothing(queues, queue)
    again = await one(queues, queue, wait=30 * second)
    assert (again.value, again.attempt) == (1, 2)
    await nothing(queues, queue)
    await queues.ack(again)
    assert (await one(queues, queue)).value == 2


@QUEUES.check
async def a_dead_letter_frees_its_ordering_key(queues: Queues, second: float) -> None:
    """A rejected message holds up nothing, and keeps its ordering key; dead letters are given out in any number."""
    queue = fresh()
    if not await ordered(queues, queue, "a", 1, 2, 3):
        return
    for value in (1, 2):
        received = await one(queues, queue)
        assert received.value == value
        await queues.reject(received, "no")
    third = await one(queues, queue)
    assert third.value == 3
    dead = await queues.receive(queue, most=10, dead=True, lease=60 * second)
    assert [(each.value, each.order) for each in dead] == [(1, "a"), (2, "a")]
    for each in dead:
        await queues.ack(each)
    await ordered(queues, queue, "a", 4)
    await nothing(queues, queue)
    await queues.ack(third)
    assert (await one(queues, queue)).value == 4


@QUEUES.check
async def many_receivers_keep_the_order(queues: Queues, second: float) -> None:
    """With many senders and receivers, retries and dead letters, every key keeps its order, and nothing is stuck."""
    queue, keys, each_of = fresh(), 7, 12
    if not await ordered(queues, queue, "0", [0, 0]):
        return
    handled: list[object] = []

    async def sender(key: int) -> None:
        for number in range(key == 0, each_of):
            await queues.send(queue, [key, number], order=str(key))

    async def receiver() -> None:
        while len(handled) < keys * each_of:
            await _handle(queues, queue, second, handled)

    async with asyncio.TaskGroup() as tasks:
        for key in range(keys):
            tasks.create_task(sender(key))
        for _ in range(8):
            tasks.create_task(receiver())
    for key in range(keys):
        sent = [[key, number] for number in range(each_of)]
        found = [value for value in handled if value in sent]
        assert found == sent, f"the messages of one key came as {found}"
    assert await queues.count(queue) == 0


async def _handle(queues: Queues, queue: str, second: float, handled: list[object]) -> None:
    """Receive some messages, and settle them in one way or another; note those that will not come again."""
    for received in await queues.receive(queue, most=3, lease=60 * second, wait=second / 2):
        number = received.value[1]  # type: ignore[index]
        if number % 4 == 1 and received.attempt == 1:
            await queues.nack(received)
            continue
        handled.append(received.value)  # before it is settled: after that the next one may come at once
        await (queues.reject(received, "no") if number % 4 == 2 else queues.ack(received))


@QUEUES.check
async def ordering_keys_are_kept_apart(queues: Queues, second: float) -> None:
    """Every name is an ordering key of its own, each queue has its own, and it is not the `key` that sends once."""
    queue, other = fresh(), fresh()
    if not await ordered(queues, queue, "a", "a"):
        return
    await ordered(queues, other, "a", "other")
    assert (await one(queues, other)).value == "other"
    for name in NAMES:
        await queues.send(queue, name, order=name)
    found = await queues.receive(queue, most=len(NAMES) + 1, lease=60 * second)
    assert [(each.value, each.order) for each in found] == [
        ("a", "a"),
        *((name, name) for name in NAMES if name != "a"),
    ]
    first = await queues.send(queue, 1, order="new", key="k")
    assert await queues.send(queue, 2, order="new", key="k") == first
    assert await queues.send(queue, 3, order="new", key="l") != first
    for value in (1, 3):
        received = await one(queues, queue)
        assert received.value == value
        await queues.ack(received)
    await nothing(queues, queue)
