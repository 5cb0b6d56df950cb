"""A loop that stands still is reported once, with what it stands in, and once more when it turns again."""

from __future__ import annotations

import asyncio
import threading

import pytest

from octo.operations.watchdog import LIMIT, RECENT, Place, Stall, Watchdog, place_of
from octo.testing.harness import running

FLOWS = """
flows:
  - name: outer.most
    process: [{type: if, name: check, condition: 'true', then: [{type: flow-ref, flow: orders}]}]
  - name: orders
    process:
      - {type: set-payload, value: '1'}
      - {type: python, name: charge, call: "tests.operations.test_watchdog:standing"}
  - name: computes
    process: [{type: set-payload, name: sum, value: 'body.map(each, each.looks)'}]
"""

seen: list[Place] = []


async def standing():
    deeper()


def deeper():
    seen.append(place_of(threading.get_ident()))


class Looks(dict):
    """A value whose lookup is watched from inside the expression."""

    def __getitem__(self, key):
        deeper()
        return super().__getitem__(key)


@pytest.fixture(autouse=True)
def _fresh():
    seen.clear()


async def test_flow_block_and_function_are_found():
    async with running(FLOWS) as app:
        await app.call("outer.most", 1)

    (place,) = seen
    assert (place.flow, place.block) == ("orders", "orders.charge")
    assert place.at == "flow.yaml:8:9"
    assert place.function.startswith("deeper (test_watchdog.py:")
    assert "standing (test_watchdog.py:" in place.stack


async def test_the_expression_is_found_with_its_place():
    async with running(FLOWS) as app:
        await app.call("computes", [Looks(looks=1)])

    place = seen[0]
    assert (place.flow, place.block, place.expression) == ("computes", "computes.sum", "body.map(each, each.looks)")
    assert place.at == "flow.yaml:10:53"


async def test_outside_of_flows_the_function_is_found():
    deeper()
    assert seen[0][:4] == ("", "", "", "")
    assert seen[0].function.startswith("deeper")


def test_of_a_thread_that_has_ended_nothing_is_known():
    assert place_of(0) == Place()


class Turns:
    def __init__(self):
        self.waited = 0.0

    def since(self):
        return self.waited


def test_a_stall_is_reported_once_and_its_end_once(caplog):
    turns, now = Turns(), 0.0
    dog = Watchdog(turns, lambda: now)
    dog.look()
    assert dog.reasons == []

    for turns.waited in (LIMIT + 0.1, LIMIT + 0.3, LIMIT + 0.5):
        dog.look()
    assert [record.message for record in caplog.records] == ["the event loop stands still"]
    assert dog.reasons == ["the event loop has stood still for 1.5s: "]
    assert dog.snapshot()["octo_event_loop_stalls_total"] == [((), 1)]

    turns.waited = 0.0
    dog.look()
    dog.look()
    assert [record.message for record in caplog.records][1:] == ["the event loop turns again"]
    assert "a moment ago" in dog.reasons[0]
    assert dog.snapshot()["octo_event_loop_stalls_total"] == [((), 1)]

    now = RECENT
    assert dog.reasons == []


async def test_it_watches_the_thread_that_starts_it(caplog):
    """The loop of this test stands still until the watchdog has seen it."""
    turns = Turns()
    dog = Watchdog(turns)
    dog.start()
    turns.waited = LIMIT + 1
    reported = threading.Event()
    caplog.handler.addFilter(lambda _: reported.set() or True)
    try:
        assert reported.wait(60)
        assert dog.current is not None
        assert "test_it_watches_the_thread_that_starts_it" in dog.current.place.function
    finally:
        dog.stop()
    await asyncio.sleep(0)


def test_a_stall_names_what_is_known():
    place = Place("f", "f.b", "a.yaml:1:2", "body.x", "work (shop.py:3)", "stack")
    assert str(Stall(0, 1.0, place).place) == 'flow "f", block "f.b", expression `body.x`, work (shop.py:3)'
