"""A generation feeds its flows, settles deliveries by their outcome, and ends in order."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.errors import Permanent
from octo.core.flow import Drop
from octo.core.message import Message
from octo.engine.connections import StartError
from octo.engine.flow import at_last
from octo.engine.generation import FIRST_PAUSE, HELD, Generation
from octo.testing.clock import virtual
from octo.testing.harness import running
from octo.testing.probe import history, probes

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

        kinds = {kind: what for kind, what in probe.settled if not isinstance(what, Message)}
        assert kinds["ack"] == Drop("asked")
        assert isinstance(kinds["nack"], Permanent)
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


async def test_what_does_not_finish_within_the_drain_deadline_is_cancelled_and_nacked(plugins):
    async with running(PULL, plugins, drain=0.01):
        probe = probes["probe"]
        for _ in range(3):
            probe.queue.put_nowait("wait")
        await until(lambda: probe.waiting == 2 and probe.queue.empty())

    assert [kind for kind, _ in probe.settled] == ["nack"] * 3


async def test_what_is_in_flight_finishes_before_connectors_close(plugins):
    async with running(PULL, plugins):
        probe = probes["probe"]
        probe.queue.put_nowait("wait")
        await until(lambda: probe.waiting == 1)
        asyncio.get_running_loop().call_later(0.01, probe.gate("go").set)

    assert [kind for kind, _ in probe.settled] == ["ack"]


async def test_a_broken_source_is_started_again(plugins, monkeypatch):
    monkeypatch.setattr("octo.engine.generation.FIRST_PAUSE", 0.001)
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
    text = ORDER.replace("{id: b}", "{id: b, refuse: true}")

    with pytest.raises(ExceptionGroup) as caught:
        async with running(text, plugins):
            pass

    assert isinstance(caught.value.exceptions[0], StartError)
    assert 'connector "b" (probe) did not start: the probe was told to refuse' in str(caught.value.exceptions[0])
    assert history == ["open a", "close a"]


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
        await asyncio.sleep(FIRST_PAUSE + HELD / 2)
        assert app.generation.broken == {"f": "the source broke"}

        await asyncio.sleep(HELD)
        assert app.generation.broken == {}


@virtual()
async def test_a_source_that_stopped_for_good_stays_broken_and_one_that_is_done_is_not(plugins, monkeypatch):
    async def refuse(self, flow, source):
        raise Permanent("no such queue")

    async with running(PULL, plugins) as app:
        probes["probe"].queue.put_nowait(None)
        await asyncio.sleep(HELD)
        assert app.generation.broken == {}
    monkeypatch.setattr(Generation, "_carry", refuse)
    async with running(PULL, plugins) as app:
        await asyncio.sleep(HELD * 10)
        assert app.generation.broken == {"f": "stopped for good: no such queue"}
