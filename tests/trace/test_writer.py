"""Flows pass their traces to the writer without waiting; a record stands in the place of those that are lost."""

from __future__ import annotations

import threading

import pytest

from octo.core.message import Message
from octo.testing.harness import running
from octo.trace import writer as writers
from octo.trace.crossing import AFTER, Broken, Spot, Trace
from octo.trace.memory import Memory
from octo.trace.packed import records
from octo.trace.recorder import Recorder
from octo.trace.writer import Writer

PLAIN = "flows: [{name: f, workers: 4, process: [{type: set-payload, value: body + 1}]}]"


def a_trace(body=1, flow="f"):
    message = Message(body)
    return Trace([Spot(flow), None, message, 5, message, 6], 1_000)


class Stuck(Memory):
    """A sink that takes nothing until the test opens it."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()
        self.called = threading.Event()

    def write(self, traces):
        self.called.set()
        self.go.wait(20)
        super().write(traces)


class Failing(Memory):
    def write(self, traces):
        raise OSError("gone")


@pytest.fixture
def held(monkeypatch):
    """Writers begin to write when the test lets them."""
    go = threading.Event()
    encode = writers.encode

    def waiting(*arguments):
        go.wait(20)
        return encode(*arguments)

    monkeypatch.setattr(writers, "encode", waiting)
    return go


def counts(store):
    found = [record for each in store.find(limit=9999) for record in store.get(each.event)]
    return [record["count"] for record in found if record["kind"] == "dropped"]


async def test_every_message_of_a_flow_comes_to_the_store(plugins):
    store = Memory()
    with Writer([store]) as writer:
        async with running(PLAIN, plugins, observer=Recorder(writer.put)) as app:
            for number in range(200):
                await app.call("f", number)
        assert writer.flush(20)

    assert len(store.find(limit=999)) == 200
    assert (writer.offered, writer.dropped) == (200, 0)


async def test_flows_are_unharmed_by_a_dead_sink_and_so_are_other_sinks(plugins):
    stuck, good = Stuck(), Memory()
    writer = Writer([stuck, Failing(), good])
    async with running(PLAIN, plugins, observer=Recorder(writer.put)) as app:
        for number in range(50):
            assert (await app.call("f", number)).body == number + 1
        stuck.called.wait(20)
        assert not writer.flush(0.0)
    stuck.go.set()
    assert writer.close(20)

    assert len(good.find(limit=999)) == len(stuck.find(limit=999)) == 50
    assert writer.dropped == 50


def test_what_there_is_no_room_for_is_counted_and_told_in_its_place(held):
    store = Memory()
    with Writer([store], most_traces=3) as writer:
        writer.put(a_trace())
        while writer._queue:
            pass  # the thread has taken it, and waits
        for _ in range(8):
            writer.put(a_trace())
        held.set()
        writer.flush(20)
        writer.put(a_trace())
        writer.flush(20)

    assert writer.dropped == 5
    assert counts(store) == [5]
    assert len(store.find()) == 5


def test_losses_are_told_once(held):
    store = Memory()
    with Writer([store], most_traces=1) as writer:
        writer.put(a_trace())
        writer.put(a_trace())
        writer.put(a_trace())
        held.set()
        for _ in range(3):
            writer.flush(20)
            writer.put(a_trace())
        writer.flush(20)

    assert writer.dropped == sum(counts(store)) > 0
    assert len(counts(store)) == 1


def test_while_nothing_finds_room_failures_do(held):
    store = Memory()
    with Writer([store], most_traces=4) as writer:
        writer.put(a_trace())
        while writer._queue:
            pass  # the thread has taken it, and waits
        assert [writer.admit() for _ in range(3)] == [True] * 3
        for _ in range(4):
            writer.put(a_trace())
        assert not writer.admit()
        for _ in range(2):
            failed = a_trace()
            failed.crossings[0][AFTER] = Broken("failed", {"code": "OCTO-R110"})
            writer.put(failed)
        held.set()
        writer.flush(20)

    assert writer.dropped == 2
    assert [each.outcome for each in store.find()].count("failed") == 1


def test_large_messages_are_bounded_by_their_bytes(held):
    """The weight of a trace is estimated from the earlier traces of its flow."""
    store = Memory(bytes_per_flow=10**9)
    large = ["x" * 1000] * 1000
    held.set()
    with Writer([store], most_queued=3_000_000) as writer:
        writer.put(a_trace(large))
        writer.flush(20)
        held.clear()
        for _ in range(9):
            writer.put(a_trace(large))
        writer.put(a_trace(1, flow="small"))
        held.set()
        writer.flush(20)

    assert 1 < len(store.find("f")) <= 5
    assert len(store.find("small")) == 1


def test_a_trace_that_was_written_holds_no_messages():
    trace = a_trace()
    with Writer([Memory()]) as writer:
        writer.put(trace)
        writer.flush(20)

    assert trace.crossings[0][2] is None


def test_a_trace_that_cannot_be_encoded_is_counted_as_lost(monkeypatch, caplog):
    """The next trace carries the count, and the losses that the broken one would have carried."""
    store = Memory()
    encode = writers.encode
    monkeypatch.setattr(writers, "encode", lambda trace, *more: encode(trace, *more) if trace.at else 1 / 0)
    bad = a_trace()
    bad.at = 0
    with Writer([store]) as writer:
        writer._lose()
        writer.put(bad)
        writer.put(a_trace())
        writer.put(a_trace())
        writer.flush(20)

    assert (len(store.find()), counts(store), writer.dropped) == (2, [2], 2)
    assert "please report it" in caplog.text


def test_payloads_are_bounded_as_told():
    store = Memory()
    with Writer([store], most_bytes=10) as writer:
        writer.put(a_trace("x" * 20))
        writer.flush(20)
    [record] = store.get(store.find()[0].event)

    assert record["omitted"] == {"input.body": 22}


def test_the_end_writes_what_there_is():
    store = Memory()
    writer = Writer([store])
    for number in range(100):
        writer.put(a_trace(number))

    assert writer.close(20)
    assert writer.close(20)
    assert len(store.find(limit=999)) == 100


def test_what_there_was_no_time_to_write_is_told_and_counted(held, caplog):
    writer = Writer([Memory()])
    for _ in range(3):
        writer.put(a_trace())

    assert not writer.close(0.0)
    assert writer.dropped == 3
    assert [record.fields["lost"] for record in caplog.records if "no time" in record.message] == [3]
    held.set()
    writer.close(20)


def test_after_the_end_traces_are_lost_not_waited_for():
    writer = Writer([Memory()])
    writer.close(20)
    writer.put(a_trace())

    assert writer.dropped == 1


def test_records_are_those_of_the_trace():
    store = Memory()
    trace = a_trace({"n": 1})
    with Writer([store]) as writer:
        writer.put(trace)
        writer.flush(20)
        [summary] = store.find()

    assert summary.trace == trace.id
    assert store.get(trace.id) == records(store._all()[0].data)
