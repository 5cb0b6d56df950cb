"""A running service is recorded while traces are kept or a tap is open, and not a message longer."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from octo.core.errors import Permanent, Transient
from octo.core.message import Message
from octo.engine.observe import NOBODY, Observer
from octo.testing.clock import virtual
from octo.testing.harness import running
from octo.trace import live as live_module
from octo.trace.live import Frugal, Live, condition
from octo.trace.memory import Memory
from octo.trace.writer import Writer

FLOWS = """
flows:
  - {name: f, process: [{type: set-payload, value: body * 2}, {type: flow-ref, flow: g}]}
  - {name: g, process: []}
"""


async def tapped(app, live, take, when="", flow="f", bodies=(1, 2, 3)):
    """What a tap of `flow` sees of some messages."""
    found = []

    async def look():
        async with aclosing(live.tap(flow, when, take)) as traces:
            found.extend([trace async for trace in traces])

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(look())
        await asyncio.sleep(0)
        async with app.generation._compiling:  # the flows are compiled with the recorder, beside the loop
            pass
        for body in bodies:
            await app.call("f", body)
    return found


async def test_without_a_reason_nothing_watches(plugins):
    async with running(FLOWS, plugins) as app:
        assert Live(app.generation.observe).observer is NOBODY


async def test_a_tap_sees_whole_traces_without_any_being_kept(plugins):
    async with running(FLOWS, plugins) as app:
        live = Live(app.generation.observe)
        [first, second] = await tapped(app, live, 2)

    assert [record["path"] for record in first] == ["f", "f.set-payload", "f.flow-ref", "g"]
    assert (first[0]["input"], second[0]["input"]) == ({"body": 1}, {"body": 2})


@virtual()
async def test_a_tap_ends_when_its_flow_does_not_go_on(plugins):
    """The tap delivers what has happened until then, and ends without an error."""
    goes_on = True
    async with running(FLOWS, plugins) as app:
        live = Live(app.generation.observe)
        traces = live.tap("f", "", 9, lambda: goes_on)
        waiting = asyncio.get_running_loop().create_task(anext(traces))
        await asyncio.sleep(100)
        await app.call("f", 1)
        assert (await waiting)[0]["input"] == {"body": 1}

        goes_on = False
        assert [trace async for trace in traces] == []
        assert live.observer is NOBODY


async def test_watching_ends_with_the_last_tap(plugins):
    watched = []
    async with running(FLOWS, plugins) as app:

        async def watch(observer):
            watched.append(observer is not NOBODY)
            await app.generation.observe(observer)

        live = Live(watch)
        await asyncio.gather(tapped(app, live, 1), tapped(app, live, 2))

    assert watched == [True, False]


async def test_a_tap_may_choose_by_what_comes_in(plugins):
    async with running(FLOWS, plugins) as app:
        live = Live(app.generation.observe)
        [trace] = await tapped(app, live, 1, when="body == 2")
        [called] = await tapped(app, live, 1, when="body == 6", flow="g")

    assert trace[0]["input"] == {"body": 2}
    assert called[0]["input"] == {"body": 3}


@pytest.mark.parametrize("when", ["body.", "'text'", "nope == 1"])
async def test_what_is_no_condition_is_refused(plugins, when):
    async with running(FLOWS, plugins) as app:
        with pytest.raises(Permanent, match="when"):
            async for _ in Live(app.generation.observe).tap("f", when, 1):
                pass


@pytest.mark.parametrize("when", ["env.REGION == 'eu'", "now > timestamp('2026-01-01T00:00:00Z')"])
def test_a_condition_sees_the_message_and_nothing_else(when):
    """A name that a tap could not evaluate rightly is refused at once."""
    with pytest.raises(Permanent, match="it may use body, vars, eventID, correlationID"):
        condition(when)


async def test_traces_that_are_kept_are_found_in_the_store(plugins):
    store = Memory()
    async with running(FLOWS, plugins) as app:
        with Writer([store]) as writer:
            live = Live(app.generation.observe, writer=writer, store=store)
            await app.generation.observe(live.observer)
            await app.call("f", 1)
            assert writer.flush()

    assert [each.flow for each in store.find()] == ["f"]


async def test_others_go_on_watching_whether_somebody_looks_or_not(plugins):
    async def watch(_):
        pass

    other = Observer()
    live = Live(watch, other)

    assert live.observer is other


async def test_at_most_8_taps_are_open_at_once(plugins):
    """Each of them looks at every message."""
    async with running(FLOWS, plugins) as app:
        live = Live(app.generation.observe)
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(tapped(app, live, 1, bodies=())) for _ in range(8)]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            with pytest.raises(Transient, match="8 taps are open already"):
                live.tap("f", "", 1)
            await app.call("f", 1)
        assert [len(task.result()) for task in waiting] == [1] * 8
        assert len(await tapped(app, live, 1)) == 1


def test_a_condition_is_evaluated_until_it_has_cost_too_much():
    """Messages wait for it, so it has half a second altogether."""
    times = iter([0.0, 0.4, 1.0, 1.2, 2.0])
    program = condition("body > 0")
    assert program is not None
    frugal = Frugal(program, lambda: next(times))

    assert frugal.function(Message(1)) is True
    assert not frugal.is_spent
    assert frugal.function(Message(1)) is True
    assert frugal.is_spent
    assert frugal.function(Message(1)) is False
    assert next(times) == 2.0


@virtual()
async def test_a_tap_whose_condition_costs_too_much_ends(plugins, monkeypatch):
    """Its reader is told why."""
    monkeypatch.setattr(live_module, "MOST_SPENT", 0.0)
    async with running(FLOWS, plugins) as app:
        live = Live(app.generation.observe)
        with pytest.raises(ExceptionGroup) as caught:
            await tapped(app, live, 1, "body > 0")
    assert caught.group_contains(Permanent, match="the condition costs too much")
