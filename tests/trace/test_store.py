"""What every store promises, and how stores are named."""

from __future__ import annotations

import threading

import pytest

from octo.core.errors import Permanent
from octo.trace.opening import open_store
from octo.trace.packed import records


@pytest.fixture(params=["memory:", "file:traces.jsonl", "sqlite:traces.db"])
def store(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store(request.param, write=True)
    store._most_age = 5e9  # the traces of these tests are from long ago
    yield store
    store.close()


def test_a_trace_is_found_by_its_ids_and_their_beginnings(store, make):
    traces = [make(at=number, events=[f"{number}nested{number}"]) for number in range(5)]
    store.write(traces)

    for number, each in enumerate(traces):
        event, trace = each.summary.event, each.summary.trace
        for known in (event, trace, event[:12], trace[:12], f"{number}nested{number}", f"{number}nested"):
            assert store.get(known) == records(each.data)


def test_what_the_ids_of_a_message_and_its_one_way_calls_begin_with_answers_all_of_them(store, make):
    first = make(event="abcdef01" + "0" * 24, trace="ab" * 16, at=1)
    second = make("g", event="abcdef01" + "1" * 24, trace="ab" * 16, at=2)
    store.write([first, second, make(event="abcdef02" + "0" * 24)])

    assert store.get("abcdef01") == [*records(first.data), *records(second.data)]
    assert store.get(second.summary.event) == records(second.data)
    with pytest.raises(Permanent, match="beginning of several"):
        store.get("abcdef")


def test_a_trace_id_answers_its_one_way_calls_too(store, make):
    first = make(trace="ab" * 16, at=1)
    second = make("g", trace="ab" * 16, at=2)
    store.write([second, first])

    assert store.get("ab" * 16) == store.get("ababab") == records(first.data) + records(second.data)
    assert store.get(second.summary.event) == records(second.data)


def test_a_beginning_of_several_ids_is_refused_with_a_list(store, make):
    store.write([make(event="abcdef01"), make(event="abcdef02")])

    with pytest.raises(Permanent, match="abcdef01, abcdef02") as caught:
        store.get("abcdef")
    assert caught.value.code == "OCTO-S104"


def test_a_whole_id_that_is_shorter_than_a_beginning_must_be_is_found_though_others_begin_with_it(store, make):
    inner = make(events=["abcde"])
    store.write([make(event="abcdef01"), inner])

    assert store.get("abcde") == records(inner.data)


@pytest.mark.parametrize("id", ["abcde", "unknown-id", "", "%", "_" * 8, "ä" * 6])
def test_what_is_not_there_is_said_so(store, make, id):
    store.write([make(event="abcdef01")])

    with pytest.raises(Permanent, match="no kept trace") as caught:
        store.get(id)
    assert caught.value.code == "OCTO-S103"


def test_lists_are_newest_first_and_can_be_gone_on_with(store, make):
    store.write([make(at=number) for number in (3, 1, 2)])

    assert [each.at for each in store.find()] == [3, 2, 1]
    assert [each.at for each in store.find(limit=2)] == [3, 2]
    assert [each.at for each in store.find(before=2)] == [1]


def test_lists_are_of_a_flow_and_an_outcome(store, make):
    store.write([make("f", at=1), make("f", at=2, outcome="failed"), make("g", at=3, outcome="failed")])

    assert [each.at for each in store.find("f")] == [2, 1]
    assert [each.at for each in store.find(outcome="failed")] == [3, 2]
    assert [each.code for each in store.find("f", "failed")] == ["OCTO-R110"]


def test_a_list_shows_what_was_written(store, make):
    traces = [make(at=1, events=["inner1"]), make("g", at=2, outcome="failed").after_loss(4, 9)]
    store.write(traces)

    assert store.find() == [each.summary for each in reversed(traces)]


def test_losses_stand_before_the_trace_that_came_after_them(store, make):
    lossy = make(at=2).after_loss(3, 77)
    store.write([make(at=1), lossy, make(at=3)])

    assert store.get(lossy.summary.event)[0] == {"kind": "dropped", "at": 77, "count": 3}
    assert [each.lost for each in store.find()] == [0, 3, 0]


def test_it_can_be_read_while_it_is_written(store, make):
    stop = threading.Event()

    def read():
        while not stop.is_set():
            for each in store.find(limit=3):
                assert store.get(each.event)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for each in readers:
        each.start()
    for number in range(30):
        store.write([make(at=number) for _ in range(5)])
    stop.set()
    for each in readers:
        each.join(20)

    assert len(store.find(limit=999)) == 150


def test_only_its_owner_may_read_a_store(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)
    for url in ("x.jsonl", "x.db"):
        open_store(url, write=True).write([make()])

    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
