"""A generation feeds its flows, settles deliveries by their outcome, and ends in order."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from octo import Settings, connector
from octo.config.load import parse
from octo.core.backoff import Backoff
from octo.core.delivery import Delivery, Done, Reject, Retry
from octo.core.errors import Disconnected, Permanent
from octo.core.flow import Drop, Failure, at_last
from octo.core.message import Message
from octo.engine.connections import Connections, StartError
from octo.engine.events import Bus
from octo.engine.feeding import HELD, PAUSES, Feed
from octo.engine.generation import Generation
from octo.engine.observe import Observer
from octo.testing.clock import virtual
from octo.testing.harness import running
from octo.testing.probe import history, probes, unreachable

PULL = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    workers: 2
    buffer: 1
    source: {connector: p, type: pull, settings: {}}
    process:
      - type: switch
        cases:
          - {when: body == "drop", process: [{type: filter, expr: 'false', reason: asked}]}
          - {when: body == "fail", process: [{type: fail, connector: p}]}
          - {when: body == "wait", process: [{type: wait, connector: p}]}
"""


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_completed_and_dropped_are_acknowledged_and_failed_is_not(plugins):
    async with running(PULL, plugins) as app:
        probe = probes["probe"]
        for body in ("fine", "drop", "fail"):
            probe.queue.put_nowait(body)
        await until(lambda: len(probe.settled) == 3)

        verdicts = {type(verdict): verdict for verdict in probe.settled}
        assert verdicts[Done].message.body == "fine"
        assert verdicts[Drop] == Drop("asked")
        assert isinstance(verdicts[Reject].error, Permanent)
        assert sorted(app.kinds("f")) == sorted(["started"] * 3 + ["completed", "dropped", "failed"])


async def test_a_full_flow_stops_taking_deliveries(plugins):
    async with running(PULL, plugins):
        probe = probes["probe"]
        for _ in range(10):
            probe.queue.put_nowait("wait")
        await until(lambda: probe.queue.qsize() == 7)
        for _ in range(20):
            await asyncio.sleep(0)

        assert probe.queue.qsize() == 7  # two at work, one in line, the rest untouched

        probe.gate("go").set()
        await until(lambda: len(probe.settled) == 10)


async def test_what_does_not_finish_within_the_drain_deadline_is_cancelled_and_given_back(plugins):
    async with running(PULL, plugins, drain=0.01):
        probe = probes["probe"]
        for _ in range(3):
            probe.queue.put_nowait("wait")
        await until(lambda: probe.waiting == 2 and probe.queue.empty())

    assert [(type(verdict), verdict.after) for verdict in probe.settled] == [(Retry, 0.0)] * 3


async def test_what_is_in_flight_finishes_before_connectors_close(plugins):
    async with running(PULL, plugins):
        probe = probes["probe"]
        probe.queue.put_nowait("wait")
        await until(lambda: probe.waiting == 1)
        asyncio.get_running_loop().call_later(0.01, probe.gate("go").set)

    assert [type(verdict) for verdict in probe.settled] == [Done]


async def test_a_broken_source_is_started_again(plugins, monkeypatch):
    monkeypatch.setattr("octo.engine.feeding.PAUSES", Backoff(0.001))
    text = PULL.replace("type: pull, settings: {}", "type: pull, settings: {breaks: 3}")
    async with running(text, plugins):
        probe = probes["probe"]
        probe.queue.put_nowait("fine")
        await until(lambda: probe.settled)


ORDER = """
connectors:
  - {name: a, type: probe, settings: {id: a}}
  - {name: b, type: probe, settings: {id: b}}
flows: []
"""


async def test_connectors_open_in_order_and_close_in_reverse(plugins):
    async with running(ORDER, plugins):
        assert history == ["open a", "open b"]

    assert history == ["open a", "open b", "close b", "close a"]


async def test_a_connector_that_does_not_open_closes_those_before_it(plugins):
    """At once, and a service goes on with what ran before."""
    config = parse(ORDER.replace("{id: b}", "{id: b, refuse: true}"), plugins, {})
    async with asyncio.TaskGroup() as tasks:
        generation = Generation(config, Connections(tasks), Bus(), tasks)
        with pytest.raises(StartError) as caught:
            await generation.open()

        assert str(caught.value) == 'connector "b" (probe) did not start: the probe was told to refuse'
        assert history == ["open a", "close a"]


REFUSES = """
connectors: [{name: a, type: probe, settings: {id: a}}]
flows:
  - {name: f, source: {connector: a, type: push, settings: {path: /f}}, process: []}
  - {name: g, source: {connector: a, type: push, settings: {path: /g, refuse: true}}, process: []}
  - {name: h, source: {connector: a, type: pull, settings: {}}, process: []}
"""


async def test_a_source_that_does_not_start_leaves_no_route_behind(plugins):
    """A reload that fails must neither answer requests nor take messages."""
    async with asyncio.TaskGroup() as tasks:
        generation = Generation(parse(REFUSES, plugins, {}), Connections(tasks), Bus(), tasks)
        await generation.open()
        with pytest.raises(Permanent, match="the source was told to refuse"):
            await generation.feed()
        await asyncio.sleep(0)

        probes["a"].queue.put_nowait("x")
        await asyncio.sleep(0)
        assert (probes["a"].routes, probes["a"].queue.qsize()) == ({"/f": []}, 1)
        await generation.drain(5)


@virtual()
async def test_old_pull_sources_have_stopped_before_the_new_begin(plugins):
    """So nothing is read twice, even if an old source takes long to stop."""
    happened = []

    def named(name):
        async def pull(self, settings):
            happened.append(f"{name} begins")
            try:
                await asyncio.Event().wait()
                yield
            finally:
                await asyncio.sleep(5)
                happened.append(f"{name} has left")

        return pull

    def fed_by(pull):
        config = parse(PULL, plugins, {})
        doc = config.flows["f"]
        source = doc.source._replace(type=doc.source.type._replace(function=pull))
        return config._replace(flows={"f": doc._replace(source=source)})

    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        old, new = (Generation(fed_by(named(name)), connections, Bus(), tasks) for name in ("old", "new"))
        for each in (old, new):
            await each.open()
        await old.feed()
        await asyncio.sleep(1)
        await new.feed(old)
        await asyncio.sleep(1)
        assert happened == ["old begins", "old has left", "new begins"]
        await new.starve()
        for each in (old, new):
            await each.drain(5)


@pytest.mark.parametrize(("drain", "work"), [(5, 4.5), (10, 9), (100, 99)])
@virtual()
async def test_at_the_drain_deadline_calls_at_work_and_in_line_are_cancelled(plugins, drain, work):
    """Calls of push sources too, which run in tasks that do not belong to the generation.

    The last tenth of the time, at most one second, is for settling.
    """
    text = PULL.replace("workers: 2", "workers: 1").replace("buffer: 1", "buffer: 5")
    async with running(text, plugins, drain=drain) as app:
        calls = [asyncio.get_running_loop().create_task(app.call("f", "wait")) for _ in range(3)]
        await asyncio.sleep(1)
        flow = app.generation.flows["f"]
        assert (flow.in_flight, flow.waiting) == (1, 2)

    assert asyncio.get_running_loop().time() == 1 + work
    await asyncio.wait(calls)
    assert [call.cancelled() for call in calls] == [True] * 3
    assert (flow.in_flight, flow.waiting) == (0, 0)


async def test_push_sources_leave_when_it_ends(plugins):
    text = "flows: [{name: f, source: {type: push, connector: probe, settings: {path: /x}}, process: []}]"
    async with running(text, plugins):
        probe = probes["probe"]
        outcome = await at_last(probe.routes["/x"][-1].call(Message(1)))
        assert outcome.body == 1

    assert probe.routes["/x"] == []


@virtual()
async def test_a_broken_source_is_known_until_it_delivers(plugins):
    text = PULL.replace("settings: {}}", "settings: {breaks: 1}}")
    async with running(text, plugins) as app:
        await asyncio.sleep(0.5)
        assert app.generation.broken == {"f": "the source broke"}

        await asyncio.sleep(1)
        probes["probe"].queue.put_nowait("fine")
        await asyncio.sleep(0.1)
        assert app.generation.broken == {}


@virtual()
async def test_a_source_that_has_held_for_a_while_works_even_without_a_delivery(plugins):
    text = PULL.replace("settings: {}}", "settings: {breaks: 1}}")
    async with running(text, plugins) as app:
        await asyncio.sleep(PAUSES.first + HELD / 2)
        assert app.generation.broken == {"f": "the source broke"}

        await asyncio.sleep(HELD)
        assert app.generation.broken == {}


@virtual()
async def test_a_source_that_stopped_for_good_stays_broken_and_one_that_is_done_is_not(plugins, monkeypatch):
    async def refuse(self, instance):
        raise Permanent("no such queue")

    async with running(PULL, plugins) as app:
        probes["probe"].queue.put_nowait(None)
        await asyncio.sleep(HELD)
        assert app.generation.broken == {}
    monkeypatch.setattr(Feed, "_carry", refuse)
    async with running(PULL, plugins) as app:
        await asyncio.sleep(HELD * 10)
        assert app.generation.broken == {"f": "stopped for good: no such queue"}


# --- lost connections --------------------------------------------------------------------------------------------

LOSES = """
connectors:
  - {name: a, type: probe, settings: {id: a}}
  - {name: b, type: probe, settings: {id: b}}
flows:
  - name: f
    source: {connector: a, type: push, settings: {path: /f}}
    process:
      - type: switch
        cases:
          - {when: body == "lose", process: [{type: fail, connector: b, how: disconnected, text: reset by peer}]}
          - {when: body == "wait", process: [{type: wait, connector: b}]}
          - {when: body == "skip", process: [{type: set-payload, value: '"skipped"'}]}
        default: {process: [{type: note, connector: b, value: body}]}
  - name: g
    source: {connector: b, type: pull, settings: {}}
    process:
      - {type: if, condition: body == "wait", then: {process: [{type: wait, connector: b}]}}
      - {type: note, connector: b, value: body}
  - {name: h, source: {connector: b, type: push, settings: {path: /h}}, process: []}
"""


async def fails_with(error, call):
    with pytest.raises(Failure) as caught:
        await call
    assert isinstance(caught.value.cause, error), caught.value
    return str(caught.value.cause)


@virtual(start="2026-01-01T00:00:00Z")
async def test_a_block_that_loses_its_connection_works_again_once_it_is_open_again(plugins):
    """Meanwhile messages that need it fail as transient, and others do not."""
    async with running(LOSES, plugins) as app:
        before = probes["b"]
        unreachable.add("b")
        assert await fails_with(Disconnected, app.call("f", "lose")) == "reset by peer"
        await asyncio.sleep(10)
        assert history[-1] == "close b"
        assert await fails_with(Disconnected, app.call("f", "x")) == (
            'connector "b": the connection has been lost since 2026-01-01T00:00:00Z and is being opened again: '
            "nobody is there"
        )
        assert (await app.call("f", "skip")).body == "skipped"

        unreachable.clear()
        await asyncio.sleep(10)
        await app.call("f", "x")
        assert probes["b"] is not before
        assert probes["b"].notes == ["x"]
        assert (app.generation.instances["b"], before.notes) == (probes["b"], [])


@virtual()
async def test_other_sources_are_not_cut_while_one_connector_is_opened_again(plugins):
    async with running(LOSES, plugins) as app:
        (inlet,) = probes["a"].routes["/f"]
        unreachable.add("b")
        await fails_with(Disconnected, app.call("f", "lose"))
        await asyncio.sleep(10)
        assert (await at_last(inlet.call(Message("skip")))).body == "skipped"

        unreachable.clear()
        await asyncio.sleep(10)
        assert probes["a"].routes["/f"] == [inlet]
        await at_last(inlet.call(Message("x")))
        assert probes["b"].notes == ["x"]
        assert "close a" not in history


@virtual()
async def test_the_sources_of_a_lost_connector_leave_it_and_go_on_with_the_new(plugins):
    async with running(LOSES, plugins) as app:
        before = probes["b"]
        await fails_with(Disconnected, app.call("f", "lose"))
        await asyncio.sleep(5)
        assert before.routes["/h"] == []
        assert (await at_last(probes["b"].routes["/h"][-1].call(Message(1)))).body == 1

        before.queue.put_nowait("old")
        probes["b"].queue.put_nowait("new")
        await asyncio.sleep(1)
        assert (before.queue.qsize(), probes["b"].notes) == (1, ["new"])
        assert app.generation.broken == {}


@virtual()
async def test_a_pull_source_that_loses_its_connection_goes_on_with_the_new(plugins):
    """Health names the connector, not the source."""
    async with running(LOSES, plugins) as app:
        before = probes["b"]
        unreachable.add("b")
        before.queue.put_nowait(Disconnected("reset by peer"))
        await asyncio.sleep(5)
        assert app.generation.broken == {}
        assert "nobody is there" in str(app.generation.instances["b"])

        unreachable.clear()
        await asyncio.sleep(30)
        probes["b"].queue.put_nowait("new")
        await asyncio.sleep(1)
        assert probes["b"].notes == ["new"]


@pytest.mark.parametrize("finds", ["verdict", "extension"])
@virtual()
async def test_a_verdict_or_an_extension_that_meets_a_lost_connection_reopens_it(plugins, finds):
    async def gone(*_):
        raise Disconnected("reset by peer")

    found = {
        "verdict": Delivery(Message("x"), gone),
        "extension": Delivery(Message("wait"), extend=gone, lease=2.0),
    }
    async with running(LOSES, plugins):
        probes["b"].queue.put_nowait(found[finds])
        await asyncio.sleep(3)
        assert history.count("open b") == 2


@virtual()
async def test_a_message_in_flight_when_its_connection_is_lost_fails_as_transient(plugins):
    """Whatever its block raises then: whether the work was done is not known."""

    async def closed():
        await gate
        raise RuntimeError("the client is closed")

    async with running(LOSES, plugins) as app:
        gate = asyncio.get_running_loop().create_future()
        probes["b"].gate("go").wait = closed
        call = asyncio.get_running_loop().create_task(app.call("f", "wait"))
        await asyncio.sleep(1)
        await fails_with(Disconnected, app.call("f", "lose"))
        await asyncio.sleep(5)
        gate.set_result(None)

        assert await fails_with(Disconnected, call) == 'the connection of "b" was lost meanwhile: RuntimeError'


@virtual()
async def test_a_connection_lost_while_nothing_is_fed_yet_is_fed_later(plugins):
    """A connector may be lost between the opening of a generation and its start."""
    config = parse(LOSES, plugins, {})
    async with asyncio.TaskGroup() as tasks:
        generation = Generation(config, Connections(tasks), Bus(), tasks)
        await generation.open()
        unreachable.add("b")
        generation.lose("b", probes["b"], Disconnected("gone"))
        await asyncio.sleep(5)
        await generation.feed()
        assert probes["a"].routes["/f"]

        unreachable.clear()
        await asyncio.sleep(30)
        assert len(probes["b"].routes["/h"]) == 1
        probes["b"].queue.put_nowait("x")
        await asyncio.sleep(1)
        assert probes["b"].notes == ["x"]
        await generation.starve()
        await generation.drain(5)
    assert history[-2:] == ["close b", "close a"]


@virtual()
async def test_a_connection_that_comes_back_to_a_generation_that_was_starved_does_not_feed_it(plugins):
    async with running(LOSES, plugins) as app:
        unreachable.add("b")
        await fails_with(Disconnected, app.call("f", "lose"))
        await asyncio.sleep(5)
        await app.generation.starve()
        unreachable.clear()
        await asyncio.sleep(60)

        probes["b"].queue.put_nowait("x")
        await asyncio.sleep(1)
        assert (probes["b"].queue.qsize(), probes["b"].routes) == (1, {})


class Slowly:
    """A push source that waits when it starts, which push sources should not do."""

    def __init__(self, plugins):
        self.entered = 0
        config = parse(LOSES, plugins, {})
        doc = config.flows["h"]
        source = doc.source._replace(type=doc.source.type._replace(function=self.push))
        self.config = config._replace(flows={**config.flows, "h": doc._replace(source=source)})

    @asynccontextmanager
    async def push(self, instance, settings, inlet):
        await asyncio.sleep(5)
        self.entered += 1
        yield
        self.entered -= 1


@virtual()
async def test_a_connection_lost_while_sources_start_leaves_none_of_them_twice_or_behind(plugins):
    slowly = Slowly(plugins)
    async with asyncio.TaskGroup() as tasks:
        generation = Generation(slowly.config, Connections(tasks), Bus(), tasks)
        await generation.open()
        feeding = tasks.create_task(generation.feed())
        await asyncio.sleep(1)
        generation.lose("b", probes["b"], Disconnected("gone"))
        await feeding
        await asyncio.sleep(60)
        assert slowly.entered == 1
        await generation.starve()
        assert slowly.entered == 0
        await generation.drain(5)


@virtual()
async def test_a_stop_while_sources_start_again_leaves_none_behind(plugins):
    slowly = Slowly(plugins)
    async with asyncio.TaskGroup() as tasks:
        generation = Generation(slowly.config, Connections(tasks), Bus(), tasks)
        await generation.open()
        await generation.feed()
        generation.lose("b", probes["b"], Disconnected("gone"))
        await asyncio.sleep(2)  # the connection is open again after one
        assert slowly.entered == 0
        await generation.starve()
        await asyncio.sleep(60)
        assert slowly.entered == 0
        await generation.drain(5)


@virtual()
async def test_a_stop_while_a_connector_is_opened_again_is_clean(plugins):
    async with running(LOSES, plugins, drain=20) as app:
        unreachable.add("b")
        await fails_with(Disconnected, app.call("f", "lose"))
        await asyncio.sleep(20)
        stopped = asyncio.get_running_loop().time()

    assert asyncio.get_running_loop().time() == stopped
    assert history == ["open a", "open b", "close b", "close a"]


@virtual()
async def test_whoever_begins_to_watch_while_a_connector_is_lost_watches_the_new_one_too(plugins):
    """A tap must not bring back the instance that was lost, nor be lost with it."""

    class Watch(Observer):
        def step(self, step):
            return step._replace(call=lambda message: seen.append(step.address) or step.call(message))

    seen = []
    async with running(LOSES, plugins) as app:
        unreachable.add("b")
        await fails_with(Disconnected, app.call("f", "lose"))
        await asyncio.sleep(5)
        await app.generation.observe(Watch())
        await fails_with(Disconnected, app.call("f", "x"))
        unreachable.clear()
        await asyncio.sleep(30)
        await app.call("f", "x")

    assert seen.count("f.switch[default].note") == 2


@connector("keeper")
class Keeper:
    """Notes what happens to it."""

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings):
        yield cls()
        history.append("close keeper")

    def drained(self):
        history.append(f"drained, and {probes['probe'].waiting} at work")


@virtual()
async def test_a_connector_hears_when_the_messages_of_a_configuration_have_finished(plugins):
    """Before it is closed, and also if other configurations go on to use it."""
    text = """
    connectors: [{name: k, type: keeper}, {name: p, type: probe}]
    flows: [{name: f, process: [{type: wait, connector: p}]}]
    """
    async with running(text, plugins, components=[Keeper]) as app:
        calling = asyncio.get_running_loop().create_task(app.call("f"))
        await asyncio.sleep(0)
        assert probes["probe"].waiting == 1
        asyncio.get_running_loop().call_later(1, app.connector("p").gate("go").set)

    assert (await calling).body is None
    assert history[1:] == ["drained, and 0 at work", "close probe", "close keeper"]
