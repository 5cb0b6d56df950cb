"""Messages of other flow files go on in those of now, if that was asked for and is possible, and are handed over."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.message import Message
from octo.services.container import MEMORY, Services
from octo.testing.clock import virtual
from tests.engine.lives import LINE, Effects, cut_off, life, resumed

EDITED = LINE.replace("'three ' + body", "'other three'")


async def moved(before, after, what, resume="new"):
    """The effects of a process that ended at `what`, and of one with other files after it."""
    effects = Effects()
    async with Services(MEMORY) as services:
        await cut_off(before, effects, services, what)
        await resumed(after, effects, services, resume)
    return effects


@virtual()
async def test_a_message_goes_on_in_the_new_files_behind_what_has_finished():
    effects = await moved(LINE, EDITED, "two")
    assert effects.names == ["one", "began two", "two", "other three"]
    assert effects.key("began two") == effects.key("two"), "what was under way is done with the same key"


@virtual()
async def test_by_default_it_goes_on_in_its_own():
    effects = await moved(LINE, EDITED, "two", "own")
    assert effects.names[:3] == ["one", "began two", "two"]
    assert effects.names[3].startswith("three ")


NAMED = """
flows:
  - name: work
    durability: journal
    process:
      - {name: first, type: act, what: "'one'"}
      - {name: second, type: act, what: "'two'"}
      - {name: third, type: act, what: "'three'"}
"""


@virtual()
async def test_what_the_new_files_have_before_the_place_where_it_stopped_is_left_out():
    extra = "      - {name: extra, type: act, what: \"'extra'\"}\n      - {name: first"
    effects = await moved(NAMED, NAMED.replace("      - {name: first", extra), "two")
    assert effects.names == ["one", "began two", "two", "three"]


@virtual()
async def test_what_they_have_behind_it_is_done():
    effects = await moved(NAMED, NAMED.replace("'two'", "'other two'"), "two")
    assert effects.names == ["one", "began two", "other two", "three"]


OTHER = "  - {name: other, durability: journal, process: []}\n"


@pytest.mark.parametrize(
    "edited",
    [
        NAMED.replace("name: first", "name: begin"),
        NAMED.replace("durability: journal", "durability: ack") + OTHER,
        NAMED.replace("name: work", "name: labour"),
    ],
    ids=["the block is gone", "the journal is gone", "the flow is gone"],
)
@virtual()
async def test_a_message_that_does_not_fit_goes_on_in_its_own_files(edited, caplog):
    effects = await moved(NAMED, edited.replace("'three'", "'other three'"), "two")
    assert effects.names == ["one", "began two", "two", "three"]
    assert "does not fit the new flow files" in caplog.text


LOOP = """
flows:
  - name: work
    durability: journal
    process:
      - type: foreach
        items: "[1, 2, 3]"
        body: [{name: inner, type: act, what: "'a' + string(vars.item)"}]
"""


@virtual()
async def test_a_loop_goes_on_at_its_item_in_the_new_files():
    effects = await moved(LOOP, LOOP.replace("'a'", "'b'"), "a2")
    assert effects.names == ["a1", "began a2", "b2", "b3"]


@virtual()
async def test_a_loop_whose_block_is_gone_goes_on_in_its_own():
    effects = await moved(LOOP, LOOP.replace("inner", "other").replace("'a'", "'b'"), "a2")
    assert effects.names == ["a1", "began a2", "a2", "a3"]


HANDLED = (
    NAMED
    + """
    error: [{name: tell, type: act, what: "'told'"}, {name: again, type: act, what: "'again'"}]
"""
)


@virtual()
async def test_a_message_that_handles_a_failure_stays_in_its_files():
    effects = Effects()
    effects.failing["two"] = ValueError("two")
    async with Services(MEMORY) as services:
        await cut_off(HANDLED, effects, services, "again")
        await resumed(HANDLED.replace("'again'", "'anew'"), effects, services, "new")
    assert effects.names == ["one", "failed two", "told", "began again", "again"]


QUEUED = """
connectors: [{name: queues, type: queue}]
flows:
  - name: send
    process: [{type: queue-dispatch, connector: queues, subject: '"orders"'}]
  - name: work
    durability: journal
    source: {connector: queues, type: queue, settings: {subject: orders}}
    process:
      - {name: first, type: act, what: "'one'"}
      - {name: second, type: act, what: "'two'"}
      - {name: third, type: act, what: "'three'"}
"""


@virtual()
async def test_a_message_that_its_source_brings_again_moves_too():
    effects = Effects()
    effects.stuck.add("two")
    async with Services(MEMORY) as services:
        async with life(QUEUED, effects, services) as process:
            await process.app.call("send", {"id": 1})
            await effects.at.wait()
        effects.stuck.clear()
        await resumed(QUEUED.replace("'three'", "'other three'"), effects, services, "new")
    assert effects.names == ["one", "began two", "two", "other three"]


# --- handed over -----------------------------------------------------------------------------------------------------

ONE_WAY = """
flows:
  - name: ask
    process: [{type: flow-ref, flow: work, oneWay: true}]
""" + NAMED.removeprefix("\nflows:\n")


async def rolled(flow, resume, feed, drain=3600.0):
    """Roll from the flow to another one while a message is stuck in it. Returns the effects and how long that took."""
    effects = Effects()
    effects.stuck.add("two")
    edited = flow.replace("'three'", "'other three'")
    async with Services(MEMORY) as services:
        old = life(flow, effects, services, drain=drain)
        process = await old.__aenter__()
        await feed(process)
        await effects.at.wait()
        effects.stuck.clear()
        loop = asyncio.get_running_loop()
        async with life(edited, effects, services, resume=resume) as new:
            began = loop.time()
            await old.__aexit__(None, None, None)
            took = loop.time() - began
            await asyncio.sleep(60)
            assert await new.kept() == []
    return effects, took


async def one_way(process):
    await process.call(flow="ask")


async def queued(process):
    await process.app.call("send", {"id": 1})


@pytest.mark.parametrize(("flow", "feed"), [(ONE_WAY, one_way), (QUEUED, queued)], ids=["one-way", "a queue"])
@virtual()
async def test_a_process_that_stops_hands_over_what_others_want(flow, feed):
    effects, took = await rolled(flow, "new", feed)
    assert took < 1
    assert effects.names == ["one", "began two", "two", "other three"]


@pytest.mark.parametrize(("flow", "feed"), [(ONE_WAY, one_way), (QUEUED, queued)], ids=["one-way", "a queue"])
@virtual()
async def test_what_nobody_wants_has_its_time_to_finish(flow, feed):
    effects, took = await rolled(flow, "own", feed, drain=20.0)
    assert took >= 19
    assert effects.names == ["one", "began two", "two", "three"], "and then goes on in its own files"


@virtual()
async def test_a_message_for_whose_answer_somebody_waits_is_not_cut_off():
    effects = Effects()
    effects.stuck.add("two")
    async with (
        Services(MEMORY) as services,
        asyncio.TaskGroup() as tasks,
        life(NAMED, effects, services, drain=300.0) as process,
    ):
        calling = tasks.create_task(process.call())
        await effects.at.wait()
        async with life(EDITED, effects, services, resume="new"):
            await process.app.generation.hand_over()
            await asyncio.sleep(60)
        assert not calling.done()
        calling.cancel()


@virtual()
async def test_a_process_that_wants_nothing_takes_back_what_one_before_it_wanted():
    effects = Effects()
    async with Services(MEMORY) as services:
        async with life(EDITED, effects, services, resume="new"):
            pass
        async with life(NAMED, effects, services) as process:
            effects.stuck.add("two")
            await process.app.generation.flows["work"].send(Message({"id": 1}))
            await effects.at.wait()
            await process.app.generation.hand_over()
            await asyncio.sleep(60)
            assert effects.names == ["one", "began two"]


@virtual()
async def test_processes_of_the_same_files_hand_over_nothing():
    effects = Effects()
    effects.stuck.add("two")
    async with Services(MEMORY) as services, life(ONE_WAY, effects, services, resume="new") as process:
        await process.call(flow="ask")
        await effects.at.wait()
        async with life(ONE_WAY, effects, services, resume="new"):
            await process.app.generation.hand_over()
            await asyncio.sleep(60)
        assert effects.names == ["one", "began two"]
