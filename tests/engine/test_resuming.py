"""Accepted messages are gone on with when their process has ended, and only then."""

from __future__ import annotations

import asyncio

from octo.services.container import MEMORY, Services
from octo.testing.clock import virtual
from tests.engine.lives import LINE, Effects, life, resumed


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
