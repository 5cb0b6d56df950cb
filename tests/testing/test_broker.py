"""The broker keeps the promises of real ones, and so does the engine with it: no message is lost, whatever happens."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from octo.config.load import parse
from octo.core.block import block
from octo.core.errors import Disconnected, Permanent, Transient
from octo.core.flow import Drop
from octo.core.plugins import Plugins
from octo.core.settings import Settings
from octo.engine import settlement
from octo.engine.metrics import Metrics
from octo.engine.service import Service
from octo.operations.figures import Lag
from octo.operations.process import ThisProcess
from octo.testing import check_connector
from octo.testing.broker import Broker, Client, broker_plugins, brokers
from octo.testing.clock import run, virtual
from octo.testing.harness import running

FLOW = """
connectors: [{name: mq, type: broker}]
flows:
  - name: f
    workers: 3
    source: {connector: mq, type: queue, settings: {}}
    process: [{type: work}]
"""


class Nothing(Settings):
    pass


@block("work")
async def work(settings: Nothing, message):
    """Do what the body says; `vars.attempt` is the attempt."""
    what, attempt = message.body, message.vars["attempt"]
    if what == "drop":
        return Drop("asked")
    if what == "poison":
        raise Permanent("no such customer")
    if what == "down" or (what == "flaky" and attempt < 3):
        raise Transient("the database is down")
    if what == "slow":
        await asyncio.sleep(100)
    if what == "hang":
        await asyncio.Event().wait()
    return message


@pytest.fixture
def components(plugins):
    return broker_plugins(plugins).joined(Plugins({}, {"work": f"{__name__}:work"}))


@pytest.fixture
def broker():
    brokers["mq"] = broker = Broker(lease=30.0, most_attempts=5)
    yield broker
    del brokers["mq"]
    assert len(broker.verdicts) == len(set(broker.verdicts)), "an attempt got two verdicts"


def kinds(broker, id=1):
    return [event.kind for event in broker.history if event.id == id]


# --- the broker itself -------------------------------------------------------------------------------------------


@virtual()
async def test_a_message_is_given_to_one_consumer_at_a_time_and_to_the_next_when_its_lease_is_over(broker):
    broker.publish("a")
    first, second = broker.connect(), broker.connect()
    held = await first.receive("main", 8)
    assert (held.body, held.attempt) == ("a", 1)
    assert await second.receive("main", 8, 29) is None
    held = await second.receive("main", 8, 2)
    assert held.attempt == 2
    with pytest.raises(Transient, match="attempt 1 of message 1 is over"):
        await first.settle(1, 1, "done")
    await second.settle(1, 2, "done")

    assert broker.ended == {1: "done"}
    assert kinds(broker) == ["published", "delivered", "expired", "delivered", "done"]


@virtual()
async def test_it_sends_no_more_than_was_asked_for_ahead(broker):
    for number in range(3):
        broker.publish(number)
    session = broker.connect()
    assert [(await session.receive("main", 2, 1)).body for _ in range(2)] == [0, 1]
    assert await session.receive("main", 2, 1) is None
    await session.settle(1, 1, "done")
    assert (await session.receive("main", 2, 1)).body == 2


@virtual()
async def test_a_connection_that_ends_gives_back_what_it_held(broker):
    broker.publish("a")
    session = broker.connect()
    await session.receive("main", 8)
    broker.disconnect()
    with pytest.raises(Disconnected):
        await session.settle(1, 1, "done")
    with pytest.raises(Transient, match="refused"):
        broker.connect()
    broker.reconnect()

    assert (await broker.connect().receive("main", 8)).attempt == 2


def test_the_journal_keeps_what_was_not_settled_and_forgets_half_a_line(tmp_path):
    journal = tmp_path / "journal"
    broker = Broker(journal=journal)
    broker.publish({"n": 1})
    broker.publish({"n": 2})
    with journal.open("a") as file:
        file.write('{"id": 3, "queue": "main", "bo')

    again = Broker(journal=journal)

    assert again.bodies("main") == [{"n": 1}, {"n": 2}]
    assert again.ended == {}


# --- verdicts ----------------------------------------------------------------------------------------------------


@virtual()
async def test_every_verdict_arrives_as_the_verb_it_stands_for(components, broker):
    for body in ("fine", "drop", "poison"):
        broker.publish(body)
    async with running(FLOW, components):
        await asyncio.sleep(1)

    assert broker.ended == {1: "done", 2: "dropped", 3: "dead"}
    assert broker.dead == {3: 'block "work": no such customer'}


@virtual()
async def test_a_message_that_may_succeed_later_comes_again_after_a_pause_that_grows(components, broker, monkeypatch):
    """A random part of up to a half is taken off the pause; here it is a quarter."""
    monkeypatch.setattr(settlement, "RETRY", settlement.RETRY._replace(chance=lambda: 0.5))
    broker.publish("flaky")
    async with running(FLOW, components):
        await asyncio.sleep(60)

    assert broker.ended == {1: "done"}
    delivered = [event.at for event in broker.history if event.kind == "delivered"]
    assert [round(after - before, 3) for before, after in pairwise(delivered)] == [0.75, 1.5]


@virtual()
async def test_a_message_that_fails_for_ever_ends_as_a_dead_letter_and_holds_nobody_up(components, broker):
    broker.publish("down")
    broker.publish("fine")
    async with running(FLOW, components):
        await asyncio.sleep(0.1)
        assert broker.ended == {2: "done"}
        await asyncio.sleep(120)

    assert kinds(broker).count("delivered") == 5
    assert broker.dead == {1: 'attempt 5 of 5 failed: block "work": the database is down'}


@virtual()
async def test_a_message_that_ends_the_process_each_time_is_a_dead_letter_at_last(components, broker):
    """It was never settled, so only its number of attempts shows that it kills the process."""
    broker.publish("hang")
    broker.publish("fine")
    for _ in range(6):
        async with running(FLOW, components, drain=0):
            await asyncio.sleep(1)
            broker.crash()
        await asyncio.sleep(30)

    assert broker.ended == {1: "dead", 2: "done"}
    assert broker.dead == {1: "delivered 6 times, at most 5 attempts; it was never settled"}


@virtual()
async def test_a_crash_between_receiving_and_settling_repeats_the_message(components, broker):
    broker.publish("slow")
    async with running(FLOW, components, drain=0):
        await asyncio.sleep(1)
        broker.crash()
    assert broker.ended == {}
    async with running(FLOW, components):
        await asyncio.sleep(140)

    assert broker.ended == {1: "done"}
    assert [event.attempt for event in broker.history if event.kind == "delivered"] == [1, 2]


@virtual()
async def test_work_that_takes_longer_than_its_lease_is_not_given_to_anybody_else(components, broker):
    broker.publish("slow")
    async with running(FLOW, components):
        await asyncio.sleep(110)

    assert kinds(broker) == ["published", "delivered", *["extended"] * 6, "done"]


@virtual()
async def test_a_stop_gives_back_what_it_cuts_off_at_once(components, broker):
    """The next process need not wait for the lease to run out."""
    broker.publish("slow")
    async with running(FLOW, components, drain=1):
        await asyncio.sleep(1)

    assert kinds(broker) == ["published", "delivered", "retried"]
    assert broker.connect()._broker.next("main").attempt == 2


@virtual()
async def test_a_broker_that_refuses_verdicts_gets_its_messages_repeated_and_ends_nothing(components, broker):
    broker.publish("fine")
    broker.refuses.add("settle")
    async with running(FLOW, components):
        await asyncio.sleep(1)
        broker.refuses.clear()
        await asyncio.sleep(31)

    assert kinds(broker) == ["published", "delivered", "expired", "delivered", "done"]


# --- health ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def service(text, components):
    """A running service and its state."""
    stop, metrics = asyncio.Event(), Metrics()
    service = Service(lambda: parse(text, components, {}), bus=metrics)
    state = ThisProcess(service, metrics, Lag(), None)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run(stop))
        while service.current is None:
            await asyncio.sleep(0)
        try:
            yield service, state
        finally:
            stop.set()


@virtual(start="2026-01-01T00:00:00Z")
async def test_a_broker_that_says_nothing_makes_the_process_unready_until_it_speaks(components, broker):
    """A connection that is half dead looks like an empty queue; only the missing `Idle` shows the difference."""
    async with service(FLOW, components) as (_, state):
        await asyncio.sleep(100)
        assert await state.reasons() == []  # an empty queue, and a broker that says so

        broker.silence()
        await asyncio.sleep(60)
        assert await state.reasons() == [
            'flow "f" does not move: its source has given no sign of life since 2026-01-01T00:01:40Z',
            'connector "mq" is unhealthy: no answer within 1s',
        ]

        broker.publish("fine")
        broker.speak()
        await asyncio.sleep(3)
        assert await state.reasons() == []
        assert broker.ended == {1: "done"}


@virtual(start="2026-01-01T00:00:00Z")
async def test_a_lost_connection_is_opened_again_and_nothing_is_lost(components, broker):
    async with service(FLOW, components) as (_, state):
        broker.publish("slow")
        await asyncio.sleep(1)
        broker.disconnect()
        broker.publish("fine")
        await asyncio.sleep(5)
        assert await state.reasons() == [
            (
                'connector "mq" is unhealthy: '
                "the connection has been lost since 2026-01-01T00:00:01Z and is being opened again: connection refused"
            )
        ]
        broker.reconnect()
        await asyncio.sleep(10)
        assert await state.reasons() == []
        await asyncio.sleep(200)

    assert broker.ended == {1: "done", 2: "done"}


@virtual()
async def test_a_flow_whose_messages_never_end_makes_the_process_unready(components, broker):
    broker.publish("hang")
    async with service(FLOW, components) as (service_, state):
        await asyncio.sleep(301)
        (reason,) = await state.reasons()
        assert "1 deliveries are under way and none was settled since" in reason
        service_._drain = 1


@virtual()
async def test_a_reload_while_the_connection_is_lost_joins_in_when_it_is_open_again(components, broker):
    """Two generations share the connector; it is opened once."""
    text = FLOW.replace("workers: 3", "workers: 4")
    async with service(FLOW, components) as (service_, _):
        broker.publish("slow")
        await asyncio.sleep(1)
        broker.disconnect()
        await asyncio.sleep(2)
        await service_._swap(parse(text, components, {}))
        broker.publish("fine")
        await asyncio.sleep(2)
        broker.reconnect()
        await asyncio.sleep(10)
        assert len(broker._sessions) == 1
        await asyncio.sleep(200)

    assert broker.ended == {1: "done", 2: "done"}


# --- whatever happens --------------------------------------------------------------------------------------------

ENDS = {
    "fine": ("done", "dead"),
    "slow": ("done", "dead"),
    "flaky": ("done", "dead"),
    "drop": ("dropped", "dead"),
    "poison": ("dead",),
    "down": ("dead",),
}
"""How messages may end. Each may be dead, because each may have been in flight every time the process was killed."""
STEPS = st.one_of(
    st.tuples(st.just("publish"), st.sampled_from(sorted(ENDS))),
    st.tuples(st.sampled_from(("crash", "disconnect", "reconnect", "silence", "speak", "reload", "stop")), st.none()),
    st.tuples(st.just("sleep"), st.sampled_from((0.01, 1.0, 29.0, 200.0))),
)
FORWARD = """
connectors: [{name: mq, type: broker}]
flows:
  - name: f
    workers: WORKERS
    buffer: 2
    source: {connector: mq, type: queue, settings: {}}
    process: [{type: work}, {type: broker-publish, connector: mq, value: vars.id}]
"""


class World:
    """A broker, and a service that a test stops, kills and reloads."""

    def __init__(self, components):
        self.components = components
        self.broker = brokers["mq"] = Broker(lease=30.0, most_attempts=5)
        self.workers = 1
        self.running = None

    async def start(self):
        """Start a service, as soon as it can be started."""
        if self.running is None and self.broker._is_up:
            self.context = service(self.config(), self.components)
            self.running, _ = await self.context.__aenter__()
            self.running._drain = 5.0

    async def stop(self):
        if self.running is not None:
            self.running = None
            await self.context.__aexit__(None, None, None)

    def config(self):
        return FORWARD.replace("WORKERS", str(self.workers))

    async def do(self, what, argument):
        match what:
            case "publish":
                self.broker.publish(argument)
            case "sleep":
                await asyncio.sleep(argument)
            case "stop":
                await self.stop()
            case "crash":
                self.broker.crash()
                await self.stop()
            case "reload" if self.running is not None:
                self.workers = self.workers % 3 + 1
                await self.running._swap(parse(self.config(), self.components, {}))
            case "disconnect" | "reconnect" | "silence" | "speak":
                getattr(self.broker, what)()
        await self.start()

    async def live(self, steps):
        await self.start()
        for step in steps:
            await self.do(*step)
        for what in ("reconnect", "speak"):
            await self.do(what, None)
        await asyncio.sleep(3600)
        await self.stop()


@settings(deadline=None, max_examples=60)
@given(steps=st.lists(STEPS, max_size=25))
def test_every_message_ends_and_none_comes_twice_without_a_mark(steps):
    """Every message ends as done, dropped or dead, whatever happens to the broker, the connection and the process."""
    from octo.builtin import plugins

    world = World(broker_plugins(plugins()).joined(Plugins({}, {"work": f"{__name__}:work"})))
    run(world.live(steps))

    broker = world.broker
    main = [held for held in broker._messages.values() if held.queue == "main"]
    assert len(main) == [what for what, _ in steps].count("publish")
    assert [held for held in main if held.id not in broker.ended] == []
    assert len(broker.verdicts) == len(set(broker.verdicts))
    sent = Counter(broker.bodies("out"))
    for held in main:
        attempts = [event.attempt for event in broker.history if (event.kind, event.id) == ("delivered", held.id)]
        assert attempts == list(range(1, len(attempts) + 1))
        assert held.state in ENDS[held.body]
        assert (held.state == "done") <= sent[held.id] <= len(attempts)


# --- a process that is killed ------------------------------------------------------------------------------------

CHILD = """
import asyncio, sys
from octo.builtin import plugins
from octo.config.load import parse
from octo.engine.service import Service
from octo.testing.broker import broker_plugins
from octo.testing.probe import probe_plugins

config = parse(sys.argv[1], broker_plugins(probe_plugins(plugins())), {})
asyncio.run(Service(lambda: config).run(asyncio.Event()))
"""
KILLED = """
connectors:
  - {name: mq, type: broker, settings: {journal: JOURNAL, lease: 0.5}}
  - {name: p, type: probe}
flows:
  - name: f
    source: {connector: mq, type: queue, settings: {}}
    process:
      - {type: if, condition: vars.attempt == 1, then: {process: [{type: wait, connector: p}]}}
"""


def test_a_message_that_a_killed_process_had_is_delivered_again(tmp_path):
    """After a SIGKILL between receiving and settling, the next process gets the message as its second attempt."""
    journal = tmp_path / "journal"
    Broker(journal=journal).publish({"order": 1})
    text = KILLED.replace("JOURNAL", str(journal))

    def child():
        return subprocess.Popen([sys.executable, "-c", CHILD, text], stderr=subprocess.DEVNULL)

    def last():
        return json.loads(journal.read_bytes().splitlines()[-1])

    def until(state):
        end = time.monotonic() + 60
        while (found := last())["state"] != state:
            assert time.monotonic() < end, found
            time.sleep(0.01)
        return found

    first = child()
    try:
        until("leased")
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert last()["state"] == "leased"
    second = child()
    try:
        found = until("done")
    finally:
        second.kill()
        second.wait()

    assert (found["body"], found["attempt"]) == ({"order": 1}, 2)


@virtual()
async def test_its_connector_keeps_the_promises_of_connectors(broker):
    """The fake broker must behave neither better nor worse than the one that it replaces."""

    async def publish(connector):
        broker.publish("fine")

    await check_connector(
        Client,
        sources={"queue": {}},
        blocks={"broker-publish": {"value": "body"}},
        message="fine",
        feed={"queue": publish},
        without={"stub"},
    )
