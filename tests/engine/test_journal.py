"""A flow with a journal goes on behind the last block that has finished, whatever ended the process."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.errors import Disconnected, NotConnected, Permanent, Transient
from octo.core.message import new_id
from octo.engine.journal.cells import Cells
from octo.expr import ExprError
from octo.services.container import MEMORY, Services
from octo.services.places import openers
from octo.services.ports import Lost
from octo.testing.clock import virtual
from tests.engine.lives import LINE, Effects, both, cut_off, life, resumed


@virtual()
async def test_it_goes_on_behind_the_last_block_that_has_finished():
    effects = await both(LINE, "two")
    *first, last = effects.names
    assert first == ["one", "began two", "two"]
    assert last.startswith("three ")
    assert len({key for _, key in effects.done}) == 3


@virtual()
async def test_it_may_be_kept_elsewhere_than_keys(tmp_path):
    """`journal=URL`: the store of the flows has nothing of it, and what another process needs to go on is there."""
    places = openers(f"memory:,journal=sqlite:{tmp_path}/octo.db")
    effects = Effects()
    async with Services(places) as services:
        await services.open(["key-value"])
        await cut_off(LINE, effects, services, "two")
        for namespace in ("journal", "journal-files"):
            assert (await services.opened["key-value"].list(namespace)).names == ()
            assert (await services.opened["key-value of the journal"].list(namespace)).names
    effects.stuck.clear()
    async with Services(places) as services:
        await services.open(["key-value"])
        await resumed(LINE, effects, services)
        assert (await services.opened["key-value of the journal"].list("journal")).names == ()
    assert effects.names[:3] == ["one", "began two", "two"]


@pytest.mark.parametrize(
    ("process", "what", "names"),
    [
        (
            """
      - type: if
        condition: body > 0
        then: [{type: act, what: "'one'"}, {type: act, what: "'two'"}]
      - {type: act, what: "'three'"}
""",
            "two",
            ["one", "began two", "two", "three"],
        ),
        (
            """
      - type: foreach
        items: "[1, 2, 3]"
        mode: map
        body: [{type: act, what: "'a' + string(vars.item)"}, {type: act, what: "'b' + string(vars.item)"}]
      - {type: act, what: "'end'"}
""",
            "b2",
            ["a1", "b1", "a2", "began b2", "b2", "a3", "b3", "end"],
        ),
        (
            """
      - {type: flow-ref, flow: sub}
      - {type: flow-ref, flow: sub}
      - {type: act, what: "'end'"}
  - name: sub
    process: [{type: act, what: "'sub ' + string(body)"}, {type: set-payload, settings: {value: body + 1}}]
""",
            "sub 2",
            ["sub 1", "began sub 2", "sub 2", "end"],
        ),
    ],
    ids=["inside of a branch", "in a loop", "in a called flow"],
)
def test_blocks_inside_of_blocks_are_not_run_again(process, what, names):
    @virtual()
    async def run():
        flow = f"flows:\n  - name: work\n    durability: journal\n    process:{process}"
        assert (await both(flow, what, 1)).names == names

    run()


@virtual()
async def test_branches_that_run_at_once_go_on_each_where_it_was():
    flow = """
flows:
  - name: work
    durability: journal
    process:
      - type: foreach
        items: "[1, 2, 3, 4]"
        mode: map
        concurrency: 4
        body:
          - {type: act, what: "'a' + string(vars.item)"}
          - {type: act, what: "'b' + string(vars.item)"}
          - {type: act, what: "'c' + string(vars.item)"}
      - {type: act, what: "'end'"}
"""
    effects = await both(flow, "b3")
    for item in "1234":
        for name in "abc":
            assert effects.names.count(f"{name}{item}") <= 1 + (item != "3"), effects.names
    assert effects.names[-1] == "end"
    assert {f"{name}{item}" for item in "1234" for name in "abc"} <= {*effects.names}
    assert len({key for name, key in effects.done if not name.startswith("began")}) == 13


HANDLED = """
flows:
  - name: work
    durability: journal
    process:
      - {type: act, what: "'one'"}
      - {type: act, what: "'bad'"}
    error:
      - {type: act, what: "'told ' + vars.error.code"}
      - {type: act, what: "'handled'"}
"""


@virtual()
async def test_an_error_chain_goes_on_and_what_has_failed_does_not_run_again():
    effects = Effects()
    async with Services(MEMORY) as services:
        effects.failing["bad"] = Permanent("no", code="OCTO-R110")
        await cut_off(HANDLED, effects, services, "handled")
        effects.failing.clear()
        await resumed(HANDLED, effects, services)
    assert effects.names == ["one", "failed bad", "told OCTO-R110", "began handled", "handled"]


@virtual()
async def test_a_block_that_is_repeated_after_a_failure_has_the_same_key():
    flow = """
flows:
  - name: work
    durability: journal
    process:
      - type: retry
        maxAttempts: 3
        process: [{type: act, what: "'one'"}, {type: act, what: "'flaky'"}]
"""
    effects = Effects()
    async with Services(MEMORY) as services, life(flow, effects, services) as process, asyncio.TaskGroup() as tasks:
        effects.failing["flaky"] = Transient("not now")
        tasks.create_task(process.call())
        await asyncio.sleep(0.01)
        effects.failing.clear()
    assert effects.names == ["one", "failed flaky", "one", "flaky"]
    assert len(effects.key("one")) == 1
    assert effects.key("flaky") == effects.key("failed flaky")


@virtual()
async def test_a_message_of_a_queue_goes_on_when_it_is_delivered_again():
    flow = """
connectors: [{name: q, type: queue}]
flows:
  - name: work
    durability: journal
    source: {connector: q, type: queue, settings: {subject: jobs}}
    process:
      - {type: act, what: "'one'"}
      - {type: act, what: "'two'"}
  - name: send
    process: [{type: queue-dispatch, subject: "'jobs'"}]
"""
    effects = Effects()
    effects.stuck.add("two")
    async with Services(MEMORY) as services:
        async with life(flow, effects, services) as process:
            await process.app.call("send")
            await effects.at.wait()
        effects.stuck.clear()
        async with life(flow, effects, services) as process:
            await asyncio.sleep(60)
            assert await process.kept() == []
    assert effects.names == ["one", "began two", "two"]
    assert effects.key("began two") == effects.key("two")


@virtual()
async def test_what_has_failed_for_now_is_run_again_and_what_has_finished_is_not():
    flow = """
connectors: [{name: q, type: queue}]
flows:
  - name: work
    durability: journal
    source: {connector: q, type: queue, settings: {subject: jobs}}
    process:
      - {type: act, what: "'one'"}
      - {type: act, what: "'two'"}
    error:
      - {type: act, what: "'told'"}
      - {type: act, what: "'three'"}
  - name: send
    process: [{type: queue-dispatch, subject: "'jobs'"}]
"""
    effects = Effects()
    effects.failing["two"] = effects.failing["three"] = Transient("not now")
    async with Services(MEMORY) as services, life(flow, effects, services) as process:
        await process.app.call("send")
        await asyncio.sleep(0.5)
        effects.failing.clear()
        await asyncio.sleep(60)
        assert await process.kept() == []
    assert effects.names == ["one", "failed two", "told", "failed three", "two"]


@virtual()
async def test_a_large_message_is_kept_in_parts():
    flow = """
flows:
  - name: work
    durability: journal
    process:
      - {type: act, what: "'one'"}
      - {type: act, what: "'two'"}
      - {type: act, what: "string(size(body))"}
"""
    import random

    body = random.Random(1).randbytes(3_000_000)
    effects = await both(flow, "two", body)
    assert effects.names == ["one", "began two", "two", "3000000"]


@virtual()
async def test_what_waits_waits_once_all_before_it_is_safe():
    """A long pause must not make everything before it run again."""
    flow = """
flows:
  - name: work
    durability: journal
    process:
      - {type: log, message: "'first'"}
      - {type: set-payload, settings: {value: "string(uuid())"}}
      - {type: delay, for: 1h}
      - {type: act, what: "body"}
"""
    effects = Effects()
    async with Services(MEMORY) as services:
        async with asyncio.TaskGroup() as tasks, life(flow, effects, services) as process:
            calling = tasks.create_task(process.call())
            await asyncio.sleep(60)
            [kept] = await process.kept()
            before = (await Cells(services.opened["key-value"], "journal").read(kept)).value["frame"]["outcome"][1]
        assert calling.cancelled()
        async with life(flow, effects, services):
            await asyncio.sleep(7200)
    assert effects.names == [before["body"]]


@virtual()
async def test_a_process_that_was_frozen_for_longer_than_its_lease_begins_no_block(monkeypatch):
    """Another one may have the message by now, and may even be done with it."""
    flow = """
connectors: [{name: q, type: queue}]
flows:
  - name: work
    durability: journal
    source: {connector: q, type: queue, settings: {subject: jobs}}
    process:
      - {type: act, what: "'one'"}
      - {type: delay, for: 100s}
      - {type: act, what: "'two'"}
  - name: send
    process: [{type: queue-dispatch, subject: "'jobs'"}]
"""
    effects = Effects()
    async with Services(MEMORY) as services, life(flow, effects, services) as process:
        await process.app.call("send")

        async def refused(received, lease):
            raise Lost("it was taken back")

        monkeypatch.setattr(services.opened["queues"], "extend", refused)
        await asyncio.sleep(20)
        assert effects.names == ["one"]
        await asyncio.sleep(105)
        assert effects.names == ["one"], "the wait is over, and what comes behind it does not begin"


@virtual()
async def test_messages_that_a_called_flow_makes_are_finished_too():
    flow = """
flows:
  - name: work
    durability: journal
    process:
      - {type: act, what: "'one'"}
      - {type: flow-ref, flow: sub}
  - name: sub
    process:
      - {type: split, items: "[1, 2, 3]"}
      - {type: act, what: "'a' + string(body)"}
      - {type: act, what: "'b' + string(body)"}
"""
    effects = await both(flow, "a2")
    assert {f"{name}{item}" for item in "123" for name in "ab"} <= {*effects.names}
    assert effects.names.count("one") == 1


@virtual()
async def test_a_branch_that_has_finished_is_not_run_again_while_another_takes_long():
    flow = """
flows:
  - name: work
    durability: journal
    process:
      - type: fork
        branches:
          - [{type: delay, for: 1h}, {type: act, what: "'slow'"}]
          - [{type: act, what: "'charge'"}]
"""
    effects = Effects()
    async with Services(MEMORY) as services:
        async with asyncio.TaskGroup() as tasks, life(flow, effects, services) as process:
            tasks.create_task(process.call())
            await asyncio.sleep(600)
        async with life(flow, effects, services):
            await asyncio.sleep(7200)
    assert effects.names == ["charge", "slow"]


@pytest.mark.parametrize("kind", ["ExprError", "NotConnected", "Disconnected", "ValueError"])
def test_an_error_is_of_the_same_kind_when_its_handling_goes_on(kind):
    errors = {
        "ExprError": ExprError("OCTO-E201", "no such key"),
        "NotConnected": NotConnected("refused"),
        "Disconnected": Disconnected("gone"),
        "ValueError": ValueError("half \udcff"),
    }
    flow = """
flows:
  - name: work
    durability: journal
    process:
      - {type: act, what: "'bad'"}
    error:
      - {type: act, what: "'first'"}
      - {type: act, what: "'second'"}
      - {type: act, what: "vars.error.type + ' ' + vars.error.code + ' ' + vars.error.message"}
"""

    @virtual()
    async def told(cut):
        effects = Effects()
        effects.failing["bad"] = errors[kind]
        async with Services(MEMORY) as services:
            if cut:
                await cut_off(flow, effects, services, "second")
                await resumed(flow, effects, services)
            else:
                async with life(flow, effects, services) as process:
                    await process.call()
        return effects.names[-1]

    assert told(cut=True) == told(cut=False)


@virtual()
async def test_an_error_chain_of_another_failure_begins_anew():
    flow = """
connectors: [{name: q, type: queue}]
flows:
  - name: work
    durability: journal
    source: {connector: q, type: queue, settings: {subject: jobs}}
    process: [{type: act, what: "'bad'"}]
    error:
      - {type: act, what: "'told ' + vars.error.code"}
      - {type: act, what: "'then'"}
  - name: send
    process: [{type: queue-dispatch, subject: "'jobs'"}]
"""
    effects = Effects()
    effects.failing |= {"bad": Transient("first", code="A"), "then": Transient("not now")}
    async with Services(MEMORY) as services, life(flow, effects, services) as process:
        await process.app.call("send")
        await asyncio.sleep(0.4)
        effects.failing["bad"] = Permanent("second", code="B")
        del effects.failing["then"]
        await asyncio.sleep(60)
    assert effects.names == ["failed bad", "told A", "failed then", "failed bad", "told B", "then"]


@virtual()
async def test_calls_at_once_of_a_flow_with_a_journal_are_runs_of_their_own():
    flow = """
connectors: [{name: q, type: queue}]
flows:
  - name: many
    source: {connector: q, type: queue, settings: {subject: jobs}}
    process:
      - type: foreach
        items: "[1, 2, 3]"
        mode: map
        concurrency: 3
        body: [{type: flow-ref, flow: work}, {type: flow-ref, flow: work}]
  - name: work
    durability: journal
    process: [{type: act, what: "'w' + string(vars.item)"}]
  - name: send
    process: [{type: queue-dispatch, subject: "'jobs'"}]
"""
    effects = Effects()
    async with Services(MEMORY) as services, life(flow, effects, services) as process:
        await process.app.call("send")
        await asyncio.sleep(60)
        assert await process.kept() == []
        assert process.app.generation._journal.running == set()
    assert sorted(effects.names) == ["w1", "w1", "w2", "w2", "w3", "w3"]


@virtual()
async def test_a_long_loop_does_not_keep_its_list_with_each_element():
    """Ten thousand elements would be ten thousand lists. All have it when they go on."""
    flow = """
flows:
  - name: work
    durability: journal
    process:
      - {type: set-variable, settings: {name: names, value: 'body.map(each, each.name)'}}
      - type: foreach
        items: body
        mode: map
        body:
          - {type: act, what: "'a' + string(vars.item.n)"}
          - {type: flow-ref, flow: inner}
      - {type: act, what: "'end ' + body[7]"}
  - name: inner
    process:
      - {type: act, what: "'b' + string(vars.item.n)"}
      - {type: act, what: "'c' + vars.last + (vars.names[vars.item.n] == body[vars.item.n].name ? '!' : '?')"}
      - {type: set-payload, value: "vars.last + body[0].name"}
"""
    items, effects = [{"n": number, "name": new_id()} for number in range(100)], Effects()
    async with Services(MEMORY) as services:
        await cut_off(flow, effects, services, "cb90!", items)
        store = services.opened["key-value"]
        names = (await store.list("journal-frames", most=1000)).names
        kept = [await store.get("journal-frames", name) for name in names]
        assert len(kept) > 90
        assert max(len(each.value["data"]) for each in kept) < 1000
        await resumed(flow, effects, services)
    done = [name for name in effects.names if not name.startswith("began")]
    assert done[:-1] == [what for n in range(100) for what in (f"a{n}", f"b{n}", f"cb{n}!")]
    assert done[-1] == f"end cb7!{items[0]['name']}"
