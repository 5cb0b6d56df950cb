"""Events that nobody needs are removed."""

from __future__ import annotations

from octo.services.nats import opening, streams, sweep
from octo.services.nats.topics import Logs


async def left(opened, topic):
    found = await opened.link.api(
        f"STREAM.INFO.{opened.stream(streams.TOPICS)}", subjects_filter=opened.subject("topic", topic)
    )
    return sum((found["state"].get("subjects") or {}).values())


async def test_old_events_go_unless_a_durable_subscriber_needs_them(fresh_nats):
    async with opening.opened(fresh_nats) as opened:
        topics = Logs(opened)
        async with topics.subscribe("needed", durable="d") as durable, topics.subscribe("needed", durable="e") as other:
            for number in range(5):
                await topics.publish("needed", number)
                await topics.publish("needless", number)
            await sweep.sweep(opened)
            assert (await left(opened, "needed"), await left(opened, "needless")) == (5, 5)

            for each in (durable, other):
                event = await anext(each)
            await durable.commit(event)
            await sweep.sweep(opened, age=0.0)
            assert (await left(opened, "needed"), await left(opened, "needless")) == (5, 0)

            await other.commit(event)
            await sweep.sweep(opened, age=0.0)
            assert await left(opened, "needed") == 4
            assert (await anext(other)).value == 1
        for name in ("d", "e"):
            await topics.forget("needed", name)
        await sweep.sweep(opened, age=0.0)
        assert await left(opened, "needed") == 0


async def test_a_sweep_takes_a_few_topics_at_a_time(fresh_nats, monkeypatch):
    monkeypatch.setattr(sweep, "AT_ONCE", 2)
    async with opening.opened(fresh_nats) as opened:
        for topic in "abc":
            await Logs(opened).publish(topic, 1)
        after = await sweep.sweep(opened, age=0.0)

        assert [await left(opened, topic) for topic in "abc"] == [0, 0, 1]
        assert await sweep.sweep(opened, after, age=0.0) == ""
        assert await left(opened, "c") == 0
