"""A sink that is slow, broken or dead loses its own traces, which is logged, and costs the other sinks nothing."""

from __future__ import annotations

import threading

import pytest

from octo.core.backoff import Backoff
from octo.trace import sink_queue as module
from octo.trace.packed import records
from octo.trace.sink_queue import SinkQueue


class Sink:
    """A sink that keeps what it gets, unless the test makes it fail or wait."""

    name = "mine"

    def __init__(self):
        self.got = []
        self.fails = False
        self.refuses = None
        self.go = threading.Event()
        self.go.set()
        self.called = threading.Event()
        self.is_closed = False

    def write(self, traces):
        self.called.set()
        self.go.wait(20)
        if self.fails:
            raise OSError("no space left")
        self.got += traces
        return self.refuses

    def close(self):
        self.is_closed = True


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def queue(sink, monkeypatch):
    monkeypatch.setattr(module, "PAUSES", Backoff(0.001, 0.002))
    queue = SinkQueue(sink)
    yield queue
    sink.go.set()
    queue.close(20)


def losses(trace):
    return [record["count"] for record in records(trace.data) if record["kind"] == "dropped"]


def test_traces_arrive_in_order(queue, sink, make):
    traces = [make(at=number) for number in range(250)]
    queue.put(traces)

    assert queue.flush(20)
    assert sink.got == traces


def test_what_a_slow_sink_has_no_room_for_is_counted_and_told(queue, sink, make):
    sink.go.clear()
    queue.put([make()])
    sink.called.wait(20)
    queue.put([make() for _ in range(module.MOST_WAITING + 7)])
    sink.go.set()
    queue.flush(20)
    queue.put([make()])
    queue.flush(20)

    assert queue.lost_ever == 7
    assert [losses(each) for each in sink.got if losses(each)] == [[7]]


def test_large_traces_are_bounded_by_their_bytes(queue, sink, make):
    sink.go.clear()
    queue.put([make()])
    sink.called.wait(20)
    large = make()._replace(data=b"x" * module.MOST_BYTES)
    queue.put([large, large, large])

    assert queue.lost_ever == 1


def test_a_failing_sink_is_told_of_once_and_once_more_when_it_works_again(queue, sink, make, caplog):
    sink.fails = True
    for _ in range(3):
        queue.put([make()])
        assert queue.flush(20)
    sink.fails = False
    queue.put([make(), make()])
    queue.flush(20)
    queue.close(20)

    assert [record.message for record in caplog.records] == [
        "traces cannot be written and are lost",
        "traces are written again",
    ]
    assert caplog.records[0].fields == {"sink": "mine", "error": "no space left"}
    assert queue.lost_ever == 3
    assert [losses(each) for each in sink.got] == [[3], []]


def test_what_a_sink_did_not_take_of_a_batch_is_counted(queue, sink, make):
    sink.refuses = 2
    queue.put([make(), make(), make()])
    queue.flush(20)

    assert queue.lost_ever == 2


def test_losses_before_are_not_forgotten_with_the_trace_that_told_of_them(queue, sink, make):
    sink.fails = True
    queue.put([make().after_loss(5, 1)])
    queue.flush(20)
    sink.fails = False
    queue.put([make()])
    queue.flush(20)

    assert losses(sink.got[0]) == [6]


def test_the_end_writes_what_there_is_and_closes_the_sink(sink, make):
    queue = SinkQueue(sink)
    queue.put([make() for _ in range(300)])

    assert queue.close(20)
    assert len(sink.got) == 300
    assert sink.is_closed


def test_a_dead_sink_does_not_hold_up_the_end_and_what_it_did_not_get_is_told(sink, make, caplog):
    sink.go.clear()
    queue = SinkQueue(sink)
    queue.put([make(), make()])

    assert not queue.flush(0.0)
    assert not queue.close(0.0)
    assert queue.lost_ever == 2
    assert [record.fields for record in caplog.records] == [{"sink": "mine", "lost": 2}]
    sink.go.set()
    assert queue.close(20)
    assert queue.lost_ever == 0


def test_what_comes_after_the_end_is_counted(sink, make):
    queue = SinkQueue(sink)
    queue.close(20)
    queue.put([make()])

    assert queue.lost_ever == 1
