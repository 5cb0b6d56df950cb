"""idempotent does the work for a key once, and loses nothing when it fails."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from octo.blocks.idempotent import NAMESPACE
from octo.core.errors import Overloaded
from octo.core.flow import Drop, Failure
from octo.core.message import Message
from octo.engine.flow import FlowInlet
from octo.services.container import Services
from octo.services.embedded import in_file
from octo.services.memory.leases import Holders
from octo.services.ports import Conflict
from octo.testing import running
from octo.testing.clock import settle, virtual

WORK = """
{type: note, connector: p, value: body.n}, {type: set-variable, settings: {name: done, value: 'true'}},
{type: set-payload, value: '{"made": body.n}'}
"""
FLOW = """
connectors: [{name: p, type: probe}]
flows:
  - {name: f, process: [{type: idempotent, key: body.k, MORE process: [WORK]}, AFTER]}
"""
AFTER = "{type: note, connector: p, value: '\"after\"'}"


def flow(more="", work=WORK):
    return FLOW.replace("MORE", more).replace("WORK", work).replace("AFTER", AFTER)


@virtual()
async def test_a_duplicate_gets_what_the_first_ended_with(plugins):
    """Body and variables; its own variables stay. Another key is other work."""
    async with running(flow(), plugins) as app:
        first = await app.call("f", {"k": "a", "n": 1})
        again = await app.call("f", {"k": "a", "n": 2}, {"mine": "m"})
        other = await app.call("f", {"k": "b", "n": 3})
        notes = app.connector("p").notes

    assert (first.body, first.vars) == ({"made": 1}, {"done": True})
    assert (again.body, again.vars) == ({"made": 1}, {"mine": "m", "done": True})
    assert (other.body, notes) == ({"made": 3}, [1, "after", "after", 3, "after"])


@pytest.mark.parametrize(("mode", "expected"), [("skip", {"k": "a", "n": 2}), ("drop", None)])
@virtual()
async def test_a_duplicate_may_pass_or_be_dropped(plugins, mode, expected):
    async with running(flow(f"onDuplicate: {mode},"), plugins) as app:
        await app.call("f", {"k": "a", "n": 1})
        again = await app.call("f", {"k": "a", "n": 2})

    assert (None if isinstance(again, Drop) else again.body) == expected


@pytest.mark.parametrize("mode", ["replay", "skip", "drop"])
@virtual()
async def test_the_first_is_no_duplicate_of_itself(plugins, mode):
    """What follows the block failed, and the source delivers the message again: it must happen after all."""
    after = "{type: wait, connector: p, for_: fails}, {type: note, connector: p, value: body.made}"
    text = FLOW.replace("MORE", f"onDuplicate: {mode},").replace("WORK", WORK).replace("AFTER", after)
    first = Message({"k": "a", "n": 1}, event_id="e1")
    async with running(text, plugins) as app:
        inlet = FlowInlet(app.generation.flows["f"])
        async with asyncio.TaskGroup() as tasks:
            trying = tasks.create_task(inlet.call(first))
            await settle()
            trying.cancel()
        app.connector("p").gate("fails").set()
        again = await inlet.call(first)
        notes = app.connector("p").notes

    assert again.body == {"made": 1}
    assert notes == [1, 1], "the work was done once, and what follows it as well"


@virtual()
async def test_a_duplicate_does_not_get_the_variables_that_the_first_brought_along(plugins):
    """They may be headers of another caller, or the attempt of a `retry` around the block."""
    async with running(flow(), plugins) as app:
        await app.call("f", {"k": "a", "n": 1}, {"headers": {"authorization": "first"}, "other": 1, "done": 0})
        again = await app.call("f", {"k": "a", "n": 2}, {"headers": {"authorization": "second"}, "done": 0})

    assert again.vars == {"headers": {"authorization": "second"}, "done": True}


@virtual()
async def test_the_first_does_its_work_again_if_its_result_was_too_large_to_keep(plugins):
    """What follows must not get the message as it came."""
    work = "{type: note, connector: p, value: body.n}, {type: set-payload, value: 'lists.range(400000)'}"
    after = "{type: wait, connector: p, for_: fails}, {type: note, connector: p, value: size(body)}"
    first = Message({"k": "a", "n": 1}, event_id="e1")
    async with running(flow("", work).replace(AFTER, after), plugins) as app:
        inlet = FlowInlet(app.generation.flows["f"])
        async with asyncio.TaskGroup() as tasks:
            trying = tasks.create_task(inlet.call(first))
            await settle()
            trying.cancel()
        app.connector("p").gate("fails").set()
        await inlet.call(first)
        other = await app.call("f", {"k": "a", "n": 2})
        notes = app.connector("p").notes

    assert notes == [1, 1, 400_000, 2]
    assert other.body == {"k": "a", "n": 2}


LOOP = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - type: foreach
        items: '["a", "b", "a"]'
        mode: map
        MORE
        body: [{type: flow-ref, flow: once}]
      - {type: wait, connector: p, for_: fails}
      - {type: flow-ref, flow: once}
  - name: once
    process:
      - type: idempotent
        key: "has(vars.item) ? vars.item : 'a'"
        onDuplicate: skip
        process: [{type: note, connector: p, value: vars.item}, {type: set-payload, value: '"did " + vars.item'}]
"""


@pytest.mark.parametrize("more", ["", "concurrency: 3"])
@virtual()
async def test_an_element_with_the_key_of_another_is_a_duplicate_and_stays_one_when_the_message_comes_again(
    plugins, more
):
    """So is another block with this key."""
    first = Message("x", event_id="e1")
    async with running(LOOP.replace("MORE", more), plugins) as app:
        inlet = FlowInlet(app.generation.flows["f"])
        async with asyncio.TaskGroup() as tasks:
            trying = tasks.create_task(inlet.call(first))
            await settle()
            trying.cancel()
        app.connector("p").gate("fails").set()
        again = await inlet.call(first)
        notes = app.connector("p").notes

    assert again.body == ["did a", "did b", "x"]
    assert notes == ["a", "b"]


@virtual()
async def test_a_drop_and_a_stop_are_replayed_as_such(plugins):
    async with running(flow(work="{type: filter, expr: 'false', reason: no}"), plugins) as app:
        assert [await app.call("f", {"k": "a"}) for _ in range(2)] == [Drop("no")] * 2
    async with running(flow(work="{type: stop, connector: p, value: body.n}"), plugins) as app:
        assert [(await app.call("f", {"k": "a", "n": n})).body for n in (1, 2)] == [1, 1]
        assert app.connector("p").notes == []


@virtual()
async def test_work_that_failed_is_done_again(plugins):
    async with running(flow(work=WORK + ", {type: set-payload, value: '1 / (body.made - 1)'}"), plugins) as app:
        with pytest.raises(Failure):
            await app.call("f", {"k": "a", "n": 1})
        assert (await app.call("f", {"k": "a", "n": 2})).body == 1


@virtual()
async def test_a_duplicate_waits_for_the_first_and_gets_its_result(plugins):
    work = "{type: wait, connector: p}, " + WORK
    async with running(flow(work=work), plugins) as app, asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(app.call("f", {"k": "a", "n": n})) for n in range(5)]
        await settle()
        assert app.connector("p").waiting == 1
        app.connector("p").gate("go").set()

    assert [call.result().body for call in calls] == [{"made": 0}] * 5


@virtual()
async def test_a_duplicate_that_has_waited_too_long_may_be_tried_again(plugins):
    async with running(flow("wait: 5s,", "{type: wait, connector: p}"), plugins) as app, asyncio.TaskGroup() as tasks:
        tasks.create_task(app.call("f", {"k": "a", "n": 1}))
        await settle()
        with pytest.raises(Failure, match="is still under way") as caught:
            await app.call("f", {"k": "a", "n": 2})
        app.connector("p").gate("go").set()

    assert isinstance(caught.value.cause, Overloaded)


@virtual()
async def test_a_key_is_remembered_for_a_time_and_over_a_restart(plugins, tmp_path):
    made = []
    for n, pause in ((1, 3599), (2, 2), (3, 0)):
        services = Services(in_file(tmp_path / "octo.db"))
        async with services, running(flow("ttl: 1h,"), plugins, services=services) as app:
            made.append((await app.call("f", {"k": "a", "n": n})).body["made"])
        await asyncio.sleep(pause)

    assert made == [1, 1, 3]


@virtual()
async def test_a_result_that_is_too_large_is_done_once_all_the_same(plugins, caplog):
    work = WORK.replace('{"made": body.n}', '{"made": body.n, "x": vars.x}')
    async with running(flow(work=work), plugins) as app:
        await app.call("f", {"k": "a", "n": 1}, {"x": "y" * 2**20})
        again = await app.call("f", {"k": "a", "n": 2}, {"x": ""})
        assert app.connector("p").notes == [1, "after", "after"]

    assert again.body == {"k": "a", "n": 2}
    assert "not kept for duplicates" in caplog.text


async def failure(call):
    try:
        return await call
    except Failure as failed:
        return failed


@virtual()
async def test_one_that_was_cut_off_keeps_nothing_over_what_another_has_done(plugins, monkeypatch):
    """Its lease ran out without its knowing, and another has done the work: it fails, and may be tried again."""

    async def hang(*_):
        await asyncio.Event().wait()

    monkeypatch.setattr(Holders, "renew", hang)
    slow = "{type: wait, connector: p, settings: {for_: go}}, " + WORK
    async with (
        asyncio.TaskGroup() as tasks,
        Services() as services,
        running(flow("lease: 5s,", slow), plugins, services=services) as zombie,
    ):
        cut_off = tasks.create_task(failure(zombie.call("f", {"k": "a", "n": 1})))
        await asyncio.sleep(6)
        async with running(flow("lease: 5s,"), plugins, services=services) as heir:
            done = await heir.call("f", {"k": "a", "n": 2})
            zombie.connector("p").gate("go").set()
            assert isinstance((await cut_off).cause, Conflict)
            assert (await heir.call("f", {"k": "a", "n": 3})).body == done.body == {"made": 2}


@virtual()
async def test_what_was_begun_and_not_finished_is_done_by_the_next(plugins):
    """However long ago that was: the claim of a process that was killed holds nobody up."""
    async with Services() as services:
        await services.open(["key-value"])
        name = hashlib.sha256(b"a").hexdigest()
        await services.opened["key-value"].put(NAMESPACE, name, {"claim": 7})
        async with running(flow(), plugins, services=services) as app:
            assert (await app.call("f", {"k": "a", "n": 1})).body == {"made": 1}
