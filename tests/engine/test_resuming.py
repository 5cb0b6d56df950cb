"""Accepted messages are gone on with when their process has ended, and only then."""

from __future__ import annotations

import asyncio

import pytest

from octo.engine.journal.cells import Cell, Cells
from octo.engine.resuming import MOST_ATTEMPTS
from octo.services.container import MEMORY, Services
from octo.testing.clock import virtual
from tests.engine.lives import LINE, Effects, cut_off, life, resumed


@virtual()
async def test_one_way_calls_of_a_flow_with_a_journal_are_accepted_before_the_caller_goes_on():
    flow = """
flows:
  - name: ask
    process: [{type: flow-ref, flow: work, oneWay: true}]
  - name: work
    durability: journal
    process: [{type: act, what: "'one'"}, {type: act, what: "'two'"}]
"""
    effects = Effects()
    effects.stuck.add("two")
    async with Services(MEMORY) as services:
        async with life(flow, effects, services) as process:
            await process.call(flow="ask")
            await effects.at.wait()
        effects.stuck.clear()
        await resumed(flow, effects, services)
    assert effects.names == ["one", "began two", "two"]


@virtual()
async def test_a_message_of_a_process_that_still_lives_is_left_to_it():
    effects = Effects()
    effects.stuck.add("two")
    async with Services(MEMORY) as services, life(LINE, effects, services) as process, asyncio.TaskGroup() as tasks:
        calling = tasks.create_task(process.call())
        await effects.at.wait()
        async with life(LINE, effects, services):
            await asyncio.sleep(120)
        assert effects.names == ["one", "began two"]
        calling.cancel()
        effects.stuck.clear()
        await asyncio.sleep(60)
    assert effects.names[:3] == ["one", "began two", "two"], "a caller that hung up does not end an accepted message"


@virtual()
async def test_a_message_that_ends_its_process_each_time_becomes_a_dead_letter():
    flow = LINE.replace("durability: journal", "durability: journal\n    deadLetter: {queue: dead}")
    effects = Effects()
    async with Services(MEMORY) as services:
        await cut_off(flow, effects, services, "two")
        for _ in range(MOST_ATTEMPTS):
            effects.stuck.add("two")
            async with life(flow, effects, services):
                await effects.at.wait()
            effects.at.clear()
        assert effects.names == ["one", *["began two"] * (MOST_ATTEMPTS + 1)]
        await resumed(flow, effects, services)
        await services.open(["queues"])
        assert await services.opened["queues"].count("dead") == 1
    assert len(effects.names) == MOST_ATTEMPTS + 2


@pytest.mark.parametrize(
    "value", [{"data": b"no zlib"}, {"parts": ["missing"]}, {"v": 99}, {"v": 1, "flow": "work"}, {}], ids=str
)
def test_a_run_that_cannot_be_read_does_not_stop_the_others(value, caplog):
    @virtual()
    async def run():
        effects = Effects()
        async with Services(MEMORY) as services:
            await cut_off(LINE, effects, services, "two")
            store = services.opened["key-value"]
            [name] = (await store.list("journal")).names
            broken = name[:-1] + ("0" if name[-1] != "0" else "1")
            if "data" in value or "parts" in value:
                await store.put("journal", broken, value)
            else:
                await Cells(store, "journal").write(broken, value, Cell())
            async with life(LINE, effects, services) as process:
                await asyncio.sleep(60)
                assert await process.kept() == [broken]
        return effects.names

    assert run()[:3] == ["one", "began two", "two"]
    assert sum("a message cannot go on" in line for line in caplog.text.splitlines()) == 1
