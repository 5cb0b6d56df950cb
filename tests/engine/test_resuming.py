"""Accepted messages are gone on with when their process has ended, and only then."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, nullcontext

import pytest

from octo.core.errors import NotConnected, Transient
from octo.engine.journal.cells import Cell, Cells
from octo.engine.pinned import Pinned
from octo.engine.resuming import MOST_ATTEMPTS
from octo.services.container import MEMORY, Services
from octo.services.memory import key_value
from octo.testing.clock import settle, virtual
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


LOOP = """
flows:
  - name: work
    durability: journal
    process:
      - type: foreach
        items: "[1, 2, 3]"
        body:
          - {type: set-payload, value: vars.item}
          - {type: if, condition: vars.item > 1, then: [{type: act, what: "'a' + string(vars.item)"}]}
"""


@virtual()
async def test_a_message_that_gets_further_in_a_loop_is_no_dead_letter():
    """However many processes end meanwhile: a deployment an hour must not end a loop that takes a day."""
    flow = LOOP.replace("[1, 2, 3]", str([*range(2, MOST_ATTEMPTS + 5)]))
    effects = Effects()
    async with Services(MEMORY) as services:
        await cut_off(flow, effects, services, "a2")
        for number in range(3, MOST_ATTEMPTS + 5):
            effects.stuck = {f"a{number}"}
            async with life(flow, effects, services):
                await effects.at.wait()
            effects.at.clear()
        effects.stuck.clear()
        await resumed(flow, effects, services)
    assert effects.names[-1] == f"a{MOST_ATTEMPTS + 4}"


@virtual()
async def test_what_only_computes_is_no_progress():
    """The loop computes its first element again each time, and never gets beyond the second."""
    effects = Effects()
    async with Services(MEMORY) as services:
        await cut_off(LOOP, effects, services, "a2")
        effects.stuck.add("a2")
        for _ in range(MOST_ATTEMPTS):
            async with life(LOOP, effects, services):
                await effects.at.wait()
            effects.at.clear()
        await resumed(LOOP, effects, services)
    assert effects.names == ["began a2"] * (MOST_ATTEMPTS + 1)


@virtual()
async def test_what_fails_again_is_tried_ten_times_with_growing_pauses():
    """What it calls may be away for a minute."""
    flow = LINE.replace("durability: journal", "durability: journal\n    deadLetter: {queue: dead}")
    effects = Effects()
    effects.failing["two"] = NotConnected("away")
    async with Services(MEMORY) as services:
        await cut_off(flow, effects, services, "one")
        async with life(flow, effects, services) as process:
            await asyncio.sleep(60)
            assert 4 <= effects.names.count("failed two") < MOST_ATTEMPTS
            await asyncio.sleep(600)
            assert effects.names == ["began one", "one", *["failed two"] * (MOST_ATTEMPTS + 1)]
            assert await process.kept() == []
        await services.open(["queues"])
        assert await services.opened["queues"].count("dead") == 1


@virtual()
async def test_a_message_whose_files_cannot_be_opened_waits_for_as_long_as_it_takes(monkeypatch):
    """It has not run meanwhile, so these are no attempts."""
    begun, effects = Pinned._begun, Effects()

    async def refuse(self, version, flow):
        raise Transient("a secret is missing")

    async with Services(MEMORY) as services:
        await cut_off(LINE, effects, services, "two")
        monkeypatch.setattr(Pinned, "_begun", refuse)
        async with life(LINE.replace("three", "3"), effects, services):
            await asyncio.sleep(600)
            monkeypatch.setattr(Pinned, "_begun", begun)
            await asyncio.sleep(60)
    assert effects.names[:3] == ["one", "began two", "two"]


@virtual()
async def test_messages_wait_for_room_in_the_store():
    """Those of a large cluster that has gone may be more than fit into the memory of one process."""
    flow = LINE.replace("durability: journal", "durability: journal\n    workers: 2\n    buffer: 1")
    effects = Effects()
    effects.stuck.add("two")
    async with Services(MEMORY) as services:
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            for process in [await stack.enter_async_context(life(flow, effects, services)) for _ in range(5)]:
                for _ in range(2):
                    tasks.create_task(process.call())
            await settle()
            await stack.aclose()
        async with life(flow, effects, services) as process:
            await asyncio.sleep(60)
            store, mine = services.opened["key-value"], process.app.generation._journal.owner
            runs = [(await Cells(store, "journal").read(name)).value for name in (await store.list("journal")).names]
            assert (len(runs), sum(mine in str(run) for run in runs)) == (10, 3), "two run, one is in line"
        effects.stuck.clear()
        await resumed(flow, effects, services)
    assert effects.names.count("two") == 10


class Reads(key_value.Store):
    """Counts what is read of runs."""

    runs = 0

    async def get(self, namespace, key):
        self.runs += namespace == "journal"
        return await super().get(namespace, key)


@virtual()
async def test_a_message_of_a_process_that_lives_is_read_about_once_a_minute():
    """Thousands may wait in a flow for hours."""
    effects = Effects()
    effects.stuck.add("two")
    store = Reads()
    async with Services({**MEMORY, "key-value": lambda: nullcontext(store)}) as services:
        async with asyncio.TaskGroup() as tasks, life(LINE, effects, services) as process:
            calls = [tasks.create_task(process.call()) for _ in range(10)]
            await settle()
            async with life(LINE, effects, services):
                await asyncio.sleep(600)
                assert 100 <= store.runs <= 250
            for each in calls:
                each.cancel()
        effects.stuck.clear()
        await resumed(LINE, effects, services)


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
