"""A sink that is slow, broken or dead loses its own traces, says so, and costs nobody else anything."""

from __future__ import annotations

import threading

import pytest

from octo.trace import lane as lanes
from octo.trace.lane import Lane
from octo.trace.packed import records


class Sink:
    """Keeps what it gets, unless it is told to fail or to wait."""

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
def lane(sink, monkeypatch):
    monkeypatch.setattr(lanes, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(lanes, "LONGEST_PAUSE", 0.002)
    lane = Lane(sink)
    yield lane
    sink.go.set()
    lane.close(20)


def losses(trace):
    return [record["count"] for record in records(trace.data) if record["kind"] == "dropped"]


def test_traces_arrive_in_order(lane, sink, make):
    traces = [make(at=number) for number in range(250)]
    lane.put(traces)

    assert lane.flush(20)
    assert sink.got == traces


def test_what_a_slow_sink_has_no_room_for_is_counted_and_told(lane, sink, make):
    sink.go.clear()
    lane.put([make()])
    sink.called.wait(20)
    lane.put([make() for _ in range(lanes.MOST_WAITING + 7)])
    sink.go.set()
    lane.flush(20)
    lane.put([make()])
    lane.flush(20)

    assert lane.lost_ever == 7
    assert [losses(each) for each in sink.got if losses(each)] == [[7]]


def test_large_traces_are_bounded_by_their_bytes(lane, sink, make):
    sink.go.clear()
    lane.put([make()])
    sink.called.wait(20)
    large = make()._replace(data=b"x" * lanes.MOST_BYTES)
    lane.put([large, large, large])

    assert lane.lost_ever == 1


def test_a_failing_sink_is_told_of_once_and_once_more_when_it_works_again(lane, sink, make, caplog):
    sink.fails = True
    for _ in range(3):
        lane.put([make()])
        assert lane.flush(20)
    sink.fails = False
    lane.put([make(), make()])
    lane.flush(20)
    lane.close(20)

    assert [record.message for record in caplog.records] == [
        "traces cannot be written and are lost",
        "traces are written again",
    ]
    assert caplog.records[0].fields == {"sink": "mine", "error": "no space left"}
    assert lane.lost_ever == 3
    assert [losses(each) for each in sink.got] == [[3], []]


def test_what_a_sink_did_not_take_of_a_batch_is_counted(lane, sink, make):
    sink.refuses = 2
    lane.put([make(), make(), make()])
    lane.flush(20)

    assert lane.lost_ever == 2


def test_losses_before_are_not_forgotten_with_the_trace_that_told_of_them(lane, sink, make):
    sink.fails = True
    lane.put([make().after_loss(5, 1)])
    lane.flush(20)
    sink.fails = False
    lane.put([make()])
    lane.flush(20)

    assert losses(sink.got[0]) == [6]


def test_the_end_writes_what_there_is_and_closes_the_sink(sink, make):
    lane = Lane(sink)
    lane.put([make() for _ in range(300)])

    assert lane.close(20)
    assert len(sink.got) == 300
    assert sink.is_closed


def test_a_dead_sink_does_not_hold_up_the_end_and_what_it_did_not_get_is_told(sink, make, caplog):
    sink.go.clear()
    lane = Lane(sink)
    lane.put([make(), make()])

    assert not lane.flush(0.0)
    assert not lane.close(0.0)
    assert lane.lost_ever == 2
    assert [record.fields for record in caplog.records] == [{"sink": "mine", "lost": 2}]
    sink.go.set()
    assert lane.close(20)
    assert lane.lost_ever == 0


def test_what_comes_after_the_end_is_counted(sink, make):
    lane = Lane(sink)
    lane.close(20)
    lane.put([make()])

    assert lane.lost_ever == 1
