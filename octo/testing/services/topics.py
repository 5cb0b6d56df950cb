"""What every service of topics promises."""

from __future__ import annotations

import asyncio

from octo.services.ports import Event, Lagged, Subscription, Topics
from octo.testing.services.suite import (
    BAD_NAMES,
    BAD_VALUES,
    NAMES,
    VALUES,
    Suite,
    all_refused,
    assert_same,
    fresh,
    refused,
)

TOPICS: Suite[Topics] = Suite("topics")


async def _next(subscription: Subscription, second: float) -> Event:
    async with asyncio.timeout(30 * second):
        return await anext(subscription)


async def _values(subscription: Subscription, count: int, second: float) -> list[object]:
    return [(await _next(subscription, second)).value for _ in range(count)]


async def _silent(subscription: Subscription, second: float) -> None:
    try:
        async with asyncio.timeout(second):
            event = await anext(subscription)
    except TimeoutError:
        return
    raise AssertionError(f"nothing was published, and {event} came")


@TOPICS.check
async def everybody_gets_it(topics: Topics, second: float) -> None:
    """Each subscriber gets every event since it subscribed, once and in order, and none of other topics."""
    topic = fresh()
    await topics.publish(topic, "to nobody")
    async with topics.subscribe(topic) as one:
        await topics.publish(topic, 0)
        async with topics.subscribe(topic) as two, topics.subscribe(topic, durable="d") as three:
            for number in range(1, 20):
                await topics.publish(topic, number)
            await topics.publish(fresh(), "elsewhere")
            assert await _values(one, 20, second) == list(range(20))
            assert await _values(two, 19, second) == list(range(1, 20))
            assert await _values(three, 19, second) == list(range(1, 20))
            for each in (one, two, three):
                await _silent(each, second)


@TOPICS.check
async def who_waits_is_woken(topics: Topics, second: float) -> None:
    """A waiting subscriber gets the next event, and one that stopped waiting misses none."""
    topic = fresh()
    async with topics.subscribe(topic) as subscription:
        await _silent(subscription, second)
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(_next(subscription, second))
            await asyncio.sleep(second)
            assert not waiting.done()
            await topics.publish(topic, "hello")
        assert waiting.result().value == "hello"
        await topics.publish(topic, "while nobody waits")
        assert await _values(subscription, 1, second) == ["while nobody waits"]


@TOPICS.check
async def who_left_gets_nothing(topics: Topics, second: float) -> None:
    """A subscriber without a name gets nothing that was published before it came back."""
    topic = fresh()
    async with topics.subscribe(topic) as subscription:
        await topics.publish(topic, 1)
        await _next(subscription, second)
    await topics.publish(topic, 2)
    async with topics.subscribe(topic) as subscription:
        await topics.publish(topic, 3)
        assert await _values(subscription, 1, second) == [3]


@TOPICS.check
async def a_durable_subscriber_misses_nothing(topics: Topics, second: float) -> None:
    """A durable subscriber gets all events after its last commit, also those that came while it was away."""
    topic = fresh()
    async with topics.subscribe(topic, durable="d") as subscription:
        for number in range(4):
            await topics.publish(topic, number)
        events = [await _next(subscription, second) for _ in range(3)]
        await subscription.commit(events[1])
    await topics.publish(topic, 4)
    async with topics.subscribe(topic, durable="d") as subscription:
        await topics.publish(topic, 5)
        events = [await _next(subscription, second) for _ in range(4)]
        assert [event.value for event in events] == [2, 3, 4, 5]
        await subscription.commit(events[-1])
        await _silent(subscription, second)
    async with topics.subscribe(topic, durable="d") as subscription:
        await _silent(subscription, second)
        await topics.publish(topic, 6)
        assert await _values(subscription, 1, second) == [6]


@TOPICS.check
async def a_commit_never_goes_back(topics: Topics, second: float) -> None:
    """Committing an earlier event after a later one changes nothing."""
    topic = fresh()
    async with topics.subscribe(topic, durable="d") as subscription:
        for number in range(3):
            await topics.publish(topic, number)
        events = [await _next(subscription, second) for _ in range(3)]
        await subscription.commit(events[1])
        await subscription.commit(events[0])
    async with topics.subscribe(topic, durable="d") as subscription:
        assert await _values(subscription, 1, second) == [2]


@TOPICS.check
async def a_commit_counts_after_it_left(topics: Topics, second: float) -> None:
    """A subscriber that has left its subscription may still commit what it got there."""
    topic = fresh()
    async with topics.subscribe(topic, durable="d") as subscription:
        for number in range(3):
            await topics.publish(topic, number)
        events = [await _next(subscription, second) for _ in range(2)]
    await subscription.commit(events[1])
    async with topics.subscribe(topic, durable="d") as subscription:
        assert await _values(subscription, 1, second) == [2]


@TOPICS.check
async def durable_subscribers_are_kept_apart(topics: Topics, second: float) -> None:
    """A commit affects neither another subscriber nor one of the same name on another topic."""
    topic, other = fresh(), fresh()
    async with (
        topics.subscribe(topic, durable="a") as one,
        topics.subscribe(topic, durable="b"),
        topics.subscribe(other, durable="a"),
    ):
        await topics.publish(topic, 1)
        await topics.publish(other, 2)
        await one.commit(await _next(one, second))
    async with topics.subscribe(topic, durable="b") as two, topics.subscribe(other, durable="a") as three:
        assert await _values(two, 1, second) == [1]
        assert await _values(three, 1, second) == [2]


@TOPICS.check
async def forgotten_it_begins_anew(topics: Topics, second: float) -> None:
    """Nothing is kept for a subscriber that was forgotten; forgetting an unknown one is no error."""
    topic = fresh()
    async with topics.subscribe(topic, durable="d"):
        pass
    await topics.publish(topic, 1)
    await topics.forget(topic, "d")
    await topics.forget(topic, "d")
    await topics.forget(fresh(), "stranger")
    async with topics.subscribe(topic, durable="d") as subscription:
        await topics.publish(topic, 2)
        assert await _values(subscription, 1, second) == [2]


@TOPICS.check
async def who_falls_behind_is_told(topics: Topics, second: float) -> None:
    """At least the last thousand events are kept for a slow subscriber; if there are more, one `Lagged` is raised."""
    topic = fresh()
    async with topics.subscribe(topic) as kept, topics.subscribe(topic, durable="d") as durable:
        for number in range(1000):
            await topics.publish(topic, number)
        assert await _values(kept, 1000, second) == list(range(1000))
        async with topics.subscribe(topic) as slow:
            for number in range(1000, 3000):
                await topics.publish(topic, number)
            await refused(Lagged, _next(slow, second))
            event = await _next(slow, second)
            first = event.value
            assert isinstance(first, int)
            assert 1000 < first <= 2000, f"it goes on with {first}"
            assert await _values(slow, 2999 - first, second) == list(range(first + 1, 3000))
        assert await _values(durable, 3000, second) == list(range(3000))


@TOPICS.check
async def names_are_kept_apart(topics: Topics, second: float) -> None:
    """Every name within the limits is a distinct topic or subscriber, however it looks."""
    mark, shared = fresh(), fresh()
    for name in NAMES:
        topic = name if len(name.encode()) > 400 else mark + name
        async with topics.subscribe(topic) as subscription, topics.subscribe(shared, durable=name):
            await topics.publish(topic, name)
            assert await _values(subscription, 1, second) == [name]
    await topics.publish(shared, "last")
    for number, name in enumerate(NAMES):
        async with topics.subscribe(shared, durable=name) as subscription:
            assert await _values(subscription, 1, second) == ["last"], f"subscriber {number}, {name!r}"
        await topics.forget(shared, name)


@TOPICS.check
async def values_come_through(topics: Topics, second: float) -> None:
    """Every value arrives equal and of the same types."""
    topic = fresh()
    async with topics.subscribe(topic) as one, topics.subscribe(topic, durable="d") as two:
        for value in VALUES:
            await topics.publish(topic, value)
            assert_same((await _next(one, second)).value, value)
            assert_same((await _next(two, second)).value, value)


@TOPICS.check
async def beyond_the_limits_is_refused(topics: Topics, second: float) -> None:
    """Names and values beyond the limits are refused, and nothing is published."""
    topic = fresh()

    async def subscribed(name: str, durable: str = "") -> None:
        async with topics.subscribe(name, durable=durable):
            pass

    async with topics.subscribe(topic) as subscription:
        await all_refused(
            [
                *(lambda name=name: topics.publish(name, 1) for name in BAD_NAMES),
                *(lambda name=name: subscribed(name) for name in BAD_NAMES),
                *(lambda name=name: subscribed(topic, name) for name in BAD_NAMES if name),
                *(lambda value=value: topics.publish(topic, value) for value in BAD_VALUES),
            ]
        )
        await _silent(subscription, second)
