"""A flow whose deadline passes fails at the block that it waited for; one whose caller leaves is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from octo.core import deadline
from octo.core.deadline import Deadline, Lift
from octo.core.errors import Timeout
from octo.core.flow import Failure, Stop, at_last
from octo.core.message import Message
from octo.engine.flow import FlowInlet
from octo.testing.clock import virtual
from octo.testing.harness import running

FLOWS = """
connectors: [{name: p, type: probe}]
flows:
  - name: orders
    process:
      - {type: flow-ref, name: pay, flow: payment}
    error:
      - {type: set-payload, value: '"recovered"'}
  - name: payment
    process:
      - type: fork
        branches:
          - {name: card, process: [{type: wait, name: charge, connector: p}]}
          - {name: note, process: [{type: note, connector: p, value: body}]}
"""
ONE_WAY = """
connectors: [{name: p, type: probe}]
flows:
  - name: orders
    process:
      - {type: flow-ref, flow: audit, oneWay: true}
      - {type: wait, name: charge, connector: p}
  - {name: audit, process: [{type: wait, connector: p}]}
"""
RECURSIVE = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    workers: 1
    process:
      - type: if
        condition: body > 0
        then: {process: [{type: set-payload, value: body - 1}, {type: flow-ref, flow: f}]}
        else: {process: [{type: wait, name: charge, connector: p}]}
"""


def failures(app):
    """The flow and the error of each message that failed, in order."""
    return [(event.flow, event.error) for event in app.events if event.kind == "failed"]


@virtual()
async def test_it_fails_every_flow_under_way_at_the_block_that_was_waited_for(plugins, caplog):
    async with running(FLOWS, plugins) as app:
        with pytest.raises(Timeout, match='flow "orders" did not finish within 5s'):
            await app.call("orders", 1, timeout=5)

    [(inner, error), (outer, same)] = failures(app)
    assert (inner, outer) == ("payment", "orders")
    assert isinstance(error, Failure)
    assert error is same
    assert isinstance(error.cause, Timeout)
    assert error.address == "payment.fork[card].charge"
    assert str(error) == 'block "charge": flow "orders" did not finish within 5s'
    line = caplog.records[-1]
    assert (line.levelname, line.msg) == ("ERROR", "flow failed")
    assert (line.fields["flow"], line.fields["code"], line.fields["path"]) == ("orders", "OCTO-R121", error.address)
    assert line.exc_info is None


@virtual()
async def test_nothing_recovers_from_it_and_the_permit_comes_back(plugins):
    """An error path would start when no time is left."""
    async with running(FLOWS, plugins) as app:
        with pytest.raises(Timeout):
            await app.call("orders", 1, timeout=5)

        assert [app.kinds(name) for name in ("orders", "payment")] == [["started", "failed"]] * 2
        assert [flow.in_flight for flow in app.generation.flows.values()] == [0, 0]


@virtual()
async def test_a_caller_that_leaves_before_it_is_a_cancellation(plugins, caplog):
    async with running(FLOWS, plugins) as app:
        calling = asyncio.get_running_loop().create_task(app.call("orders", 1, timeout=5))
        await asyncio.sleep(1)
        calling.cancel()
        await asyncio.wait([calling])

    assert [type(error) for _, error in failures(app)] == [asyncio.CancelledError] * 2
    assert caplog.records[-1].msg == "flow was cancelled"


@virtual()
async def test_a_one_way_call_has_nothing_to_do_with_its_callers_deadline(plugins):
    async with running(ONE_WAY, plugins, drain=1) as app:
        with pytest.raises(Timeout):
            await app.call("orders", timeout=5)
        await asyncio.sleep(10)
        assert app.kinds("audit") == ["started"]

    assert [(flow, type(error)) for flow, error in failures(app)] == [
        ("orders", Failure),
        ("audit", asyncio.CancelledError),
    ]


@virtual()
async def test_a_recursive_flow_is_late_and_not_overloaded_once_it_runs(plugins):
    async with running(RECURSIVE, plugins) as app:
        with pytest.raises(Timeout):
            await app.call("f", 2, timeout=5)

        assert [error.address for _, error in failures(app)] == ["f.if[else].charge"] * 3
        assert app.generation.flows["f"].in_flight == 0


@virtual()
async def test_it_ends_with_its_call(plugins):
    """A task that goes on after its deadline has passed, and is then cancelled, is cancelled and not late."""
    async with running(FLOWS, plugins) as app:

        async def call_twice():
            with pytest.raises(Timeout):
                await app.call("orders", 1, timeout=5)
            await at_last(app.generation.flows["orders"].call(Message(1)))

        calling = asyncio.get_running_loop().create_task(call_twice())
        await asyncio.sleep(6)
        calling.cancel()
        await asyncio.wait([calling])

    assert [(flow, type(error)) for flow, error in failures(app)] == [
        ("payment", Failure),
        ("orders", Failure),
        ("payment", asyncio.CancelledError),
        ("orders", asyncio.CancelledError),
    ]


async def forever(message):
    await asyncio.Event().wait()
    return message


@virtual()
async def test_of_several_deadlines_the_nearest_counts_and_says_so():
    told = []

    async def inner(message):
        told.append(deadline.left())
        return await Deadline("inner", 5).of(forever(message))

    async def far(message):
        return await Deadline("far", 100).of(inner(message))

    with pytest.raises(Timeout, match="inner did not finish within 5s"):
        await Deadline("outer", 30).of(far(Message()))
    with pytest.raises(Timeout, match="outer did not finish within 3s"):
        await Deadline("outer", 3).of(far(Message()))

    assert [(each.seconds, each.deadline.name) for each in told] == [(30, "outer"), (3, "outer")]
    assert deadline.left() is None


@virtual()
async def test_a_stop_is_an_answer_where_the_message_ends():
    async def stop():
        return Stop(Message(1))

    assert (await Deadline("f", None).of(stop(), is_last=True)).body == 1
    assert isinstance(await Deadline("f", None).of(stop()), Stop)


@pytest.mark.parametrize("flow", ["audit", "f"])
@pytest.mark.parametrize("after", [0, 4])
@virtual()
async def test_a_source_may_lift_it(plugins, flow, after):
    """Also a recursive flow, whose messages stand in line first; and before the call has begun to wait."""
    lift = Lift()
    async with running({"audit": ONE_WAY, "f": RECURSIVE}[flow], plugins) as app:
        if not after:
            lift()
        called = FlowInlet(app.generation.flows[flow]).call(Message(0), timeout=5, lift=lift)
        calling = asyncio.get_running_loop().create_task(at_last(called))
        await asyncio.sleep(after)
        lift()
        await asyncio.sleep(100)
        assert not calling.done()
        app.connector("p").gate("go").set()
        assert (await calling).body == 0
        lift()


@virtual()
async def test_once_it_has_passed_it_cannot_be_lifted(plugins):
    lift = Lift()
    async with running(ONE_WAY, plugins) as app:
        with pytest.raises(Timeout):
            await at_last(FlowInlet(app.generation.flows["audit"]).call(Message(0), timeout=5, lift=lift))
        lift()
