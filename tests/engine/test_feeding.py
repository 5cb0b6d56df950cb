"""A pull source is read while its flow has room, started again after an error, and watched for signs of life."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from octo.core.delivery import Delivery, Done, Idle
from octo.core.errors import Disconnected, Permanent, Transient
from octo.core.message import Message
from octo.engine.feeding import HELD, LEAVING, PAUSES, STUCK, Feed
from octo.engine.lost import Lost
from octo.testing.clock import virtual
from octo.testing.harness import running
from octo.testing.probe import probes, unreachable

FLOW = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    workers: 2
    buffer: 1
    source: {connector: p, type: pull, settings: {}}
    process:
      - type: if
        condition: body == "wait"
        then: {process: [{type: wait, connector: p}]}
"""
SILENCE = 60.0


@pytest.fixture
def attempts(monkeypatch):
    """When the source was started, and how each attempt ends; attempts that are not listed run normally."""
    times, ends = [], []
    pull = Feed._carry

    async def carry(self, instance):
        times.append(asyncio.get_running_loop().time())
        if not ends:
            return await pull(self, instance)
        held, error = ends.pop(0)
        await asyncio.sleep(held)
        raise error

    monkeypatch.setattr(Feed, "_carry", carry)
    return times, ends


async def pulling(app, pull):
    """Feed the flow from this source instead of the probe's."""
    feed = app.generation._feeds["f"]
    await feed.stop()
    feed._source = feed._source._replace(type=feed._source.type._replace(function=pull))
    feed.start(probes["probe"])


@virtual()
async def test_pauses_double_and_are_at_most_the_longest(plugins, attempts):
    times, ends = attempts
    ends += [(0, Transient("down"))] * 8
    async with running(FLOW, plugins):
        await asyncio.sleep(1000)

    assert [after - before for before, after in pairwise(times)] == [1, 2, 4, 8, 16, 30, 30, 30]


@virtual()
async def test_one_that_held_long_begins_again_with_the_first_pause(plugins, attempts):
    times, ends = attempts
    ends += [(0, Transient("down"))] * 3 + [(PAUSES.longest + 1, Transient("down")), (0, Transient("down"))]
    async with running(FLOW, plugins):
        await asyncio.sleep(1000)

    assert times == [0, 1, 3, 7, 7 + 31 + 1, 39 + 2]


@virtual()
async def test_one_that_did_not_hold_long_goes_on_with_the_next_pause(plugins, attempts):
    times, ends = attempts
    ends += [(0, Transient("down"))] * 3 + [(PAUSES.longest, Transient("down"))]
    async with running(FLOW, plugins):
        await asyncio.sleep(1000)

    assert times == [0, 1, 3, 7, 7 + 30 + 8]


@virtual()
async def test_one_that_fails_for_good_is_not_tried_again(plugins, attempts):
    times, ends = attempts
    ends += [(0, Permanent("no such queue"))]
    async with running(FLOW, plugins) as app:
        await asyncio.sleep(10_000)
        assert app.generation.broken == {"f": "stopped for good: no such queue"}

    assert times == [0]


@virtual()
async def test_a_bug_in_a_source_is_tried_again_and_told_without_its_text(plugins, attempts, caplog):
    """The text of an unexpected exception may contain anything; the log has the traceback."""
    times, ends = attempts
    ends += [(0, KeyError("s3cret"))]
    async with running(FLOW, plugins) as app:
        await asyncio.sleep(0.5)
        assert app.generation.broken == {"f": "KeyError"}
        await asyncio.sleep(HELD + 1)
        assert app.generation.broken == {}

    assert times == [0, 1]
    assert caplog.records[-1].exc_info


@pytest.mark.parametrize("end", [None, Permanent("no such queue")])
@virtual()
async def test_one_that_has_ended_is_not_asked_again_by_a_connector_that_is_opened_again(plugins, attempts, end):
    """One that has ended has no more messages, and one that failed for good would fail again."""
    times, _ = attempts
    async with running(FLOW, plugins) as app:
        probes["probe"].queue.put_nowait(end)
        await asyncio.sleep(100)
        await app.generation.part("p", Lost("p", "gone"))
        await app.generation.join("p", probes["probe"])
        await asyncio.sleep(100)

    assert times == [0]


@virtual()
@pytest.mark.parametrize("given", [None, Message(1), "text"])
async def test_what_is_no_delivery_breaks_the_source_and_says_what_it_yields(plugins, given):
    async def rubbish(instance, settings):
        yield given

    async with running(FLOW, plugins) as app:
        await pulling(app, rubbish)
        await asyncio.sleep(0.5)

        feed = app.generation._feeds["f"]
        assert feed.broken == f"a source yields `Delivery` or `Idle`, not {type(given).__name__}"
        assert (app.generation.flows["f"].in_flight, feed.stalled) == (0, "")


@virtual()
async def test_every_delivery_has_a_task_before_the_next_is_asked_for(plugins):
    """At a stop between two deliveries, each delivery that was taken is in its flow."""
    started = []

    async def pull(self, settings):
        for number in range(20):
            assert len(started) == number
            yield Delivery(Message(number))

    text = FLOW.replace("workers: 2", "workers: 20")
    async with running(text, plugins) as app:
        app.generation._bus.subscribe(lambda event: started.append(event) if event.kind == "started" else None)
        await pulling(app, pull)
        await asyncio.sleep(1)

    assert [event.message.body for event in started] == list(range(20))


@virtual()
async def test_a_stop_while_the_flow_is_full_has_left_the_source_when_it_returns(plugins):
    """The source then waits between two deliveries, and would else be closed only by garbage collection."""
    left = []

    async def pull(self, settings):
        try:
            for _ in range(10):
                yield Delivery(Message("wait"))
        finally:
            left.append("left")

    async with running(FLOW, plugins) as app:
        await pulling(app, pull)
        await asyncio.sleep(1)
        assert app.generation.flows["f"].is_full
        await app.generation._feeds["f"].stop()
        assert left == ["left"]
        probes["probe"].gate("go").set()


@virtual()
async def test_a_source_that_does_not_leave_is_told_again(plugins, caplog):
    """Its cleanup may wait for a dead broker."""
    told = []

    async def pull(self, settings):
        try:
            while True:
                await asyncio.sleep(1000)
                yield Delivery(Message())
        finally:
            try:
                await asyncio.sleep(1000)
            finally:
                told.append(asyncio.get_running_loop().time())

    async with running(FLOW, plugins) as app:
        await pulling(app, pull)
        await asyncio.sleep(1)

    assert told == [1 + LEAVING]
    assert "a source does not leave" in caplog.text


# --- the watchdog ------------------------------------------------------------------------------------------------


@virtual(start="2026-01-01T00:00:00Z")
async def test_a_source_that_is_asked_and_gives_no_sign_of_life_stalls_until_it_does(plugins):
    async with running(FLOW, plugins) as app:
        await asyncio.sleep(SILENCE)
        assert app.generation.stalled == {}
        await asyncio.sleep(1)
        assert app.generation.stalled == {"f": "its source has given no sign of life since 2026-01-01T00:00:00Z"}

        probes["probe"].queue.put_nowait("fine")
        await asyncio.sleep(1)
        assert app.generation.stalled == {}


@virtual()
async def test_a_source_that_says_it_is_idle_is_alive(plugins):
    async with running(FLOW, plugins) as app:
        for _ in range(10):
            await asyncio.sleep(SILENCE - 1)
            probes["probe"].queue.put_nowait(Idle())
            assert app.generation.stalled == {}
        await asyncio.sleep(1)

    assert app.kinds("f") == []


@virtual()
async def test_a_sign_of_life_makes_a_broken_source_whole(plugins):
    text = FLOW.replace("settings: {}}", "settings: {breaks: 1}}")
    async with running(text, plugins) as app:
        await asyncio.sleep(0.5)
        assert app.generation.broken == {"f": "the source broke"}
        probes["probe"].queue.put_nowait(Idle())
        await asyncio.sleep(1)
        assert app.generation.broken == {}


@virtual()
async def test_a_source_that_was_asked_when_it_broke_or_its_connection_was_lost_is_not_silent(plugins):
    """Health already reports that, with another reason."""
    async with running(FLOW, plugins) as app:
        await asyncio.sleep(SILENCE - 1)
        probes["probe"].queue.put_nowait(Transient("broken"))
        await asyncio.sleep(1.5)
        assert app.generation.stalled == {}

        unreachable.add("probe")
        app.generation.lose("p", probes["probe"], Disconnected("gone"))
        await asyncio.sleep(SILENCE * 2)
        assert app.generation.stalled == {}


@virtual()
async def test_a_source_that_promises_nothing_may_be_silent(plugins):
    text = "flows: [{name: f, source: {type: cron, settings: {schedule: '0 0 0 1 1 *'}}, process: []}]"
    async with running(text, plugins) as app:
        await asyncio.sleep(86400)
        assert app.generation.stalled == {}


@virtual()
async def test_a_source_that_is_not_asked_because_the_flow_is_full_may_be_silent(plugins):
    """Whether the source works is not known; the flow does not move, which is reported after a longer time."""
    async with running(FLOW, plugins) as app:
        for _ in range(4):
            probes["probe"].queue.put_nowait("wait")
        await asyncio.sleep(SILENCE * 2)
        assert app.generation.stalled == {}
        probes["probe"].gate("go").set()


@virtual(start="2026-01-01T00:00:00Z")
async def test_a_flow_that_settles_nothing_for_long_is_stuck_until_it_does(plugins):
    async with running(FLOW, plugins) as app:
        await asyncio.sleep(10)
        for _ in range(3):
            probes["probe"].queue.put_nowait("wait")
        await asyncio.sleep(STUCK)
        assert app.generation.stalled == {}
        await asyncio.sleep(1)
        assert app.generation.stalled == {
            "f": "3 deliveries are under way and none was settled since 2026-01-01T00:00:10Z"
        }

        probes["probe"].gate("go").set()
        await asyncio.sleep(1)
        assert app.generation.stalled == {}


@virtual()
async def test_a_flow_whose_messages_take_their_time_but_end_is_not_stuck(plugins):
    async with running(FLOW, plugins) as app:
        probes["probe"].queue.put_nowait("wait")
        for _ in range(20):
            probes["probe"].queue.put_nowait("fine")
            await asyncio.sleep(SILENCE - 1)
            assert app.generation.stalled == {}
        probes["probe"].gate("go").set()


@virtual()
async def test_a_flow_that_was_at_rest_for_long_is_not_stuck_by_its_next_message(plugins):
    async with running(FLOW, plugins) as app:
        probes["probe"].queue.put_nowait("fine")
        for _ in range(20):
            await asyncio.sleep(SILENCE - 1)
            probes["probe"].queue.put_nowait(Idle())
            assert app.generation.stalled == {}
        probes["probe"].queue.put_nowait("wait")
        await asyncio.sleep(1)
        assert app.generation.stalled == {}
        probes["probe"].gate("go").set()


@virtual()
async def test_a_source_that_refuses_every_verdict_does_not_move(plugins):
    """Its messages run again and again, without any progress."""

    async def refuse(verdict):
        raise ConnectionError("no")

    async with running(FLOW, plugins) as app:
        probes["probe"].queue.put_nowait("wait")
        while asyncio.get_running_loop().time() <= STUCK:
            probes["probe"].queue.put_nowait(Delivery(Message("fine"), refuse))
            await asyncio.sleep(SILENCE - 1)
        assert app.generation.stalled.keys() == {"f"}
        probes["probe"].gate("go").set()


@virtual()
async def test_verdicts_come_from_both_ends_of_a_reload_once(plugins):
    """A feed that was stopped settles the deliveries that it took before."""
    async with running(FLOW, plugins) as app:
        probe = probes["probe"]
        probe.queue.put_nowait("wait")
        await asyncio.sleep(1)
        await app.generation._feeds["f"].stop()
        probe.queue.put_nowait("later")
        probe.gate("go").set()
        await asyncio.sleep(1)

        assert [type(verdict) for verdict in probe.settled] == [Done]
        assert probe.queue.qsize() == 1
