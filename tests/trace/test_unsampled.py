"""Nothing is recorded of messages outside the sample, unless they fail."""

from __future__ import annotations

import asyncio

import pytest

from octo.core import trace as tracing
from octo.core.flow import Failure, at_last
from octo.core.message import Message
from octo.engine.observe import Observer, Observers
from octo.testing.harness import running
from octo.testing.probe import probes
from octo.trace.encode import encode
from octo.trace.packed import records
from octo.trace.record import states
from octo.trace.recorder import Recorder

ID, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

FLOWS = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - {type: set-variable, settings: {name: seen, value: '1'}}
      - {type: if, condition: body > 0, then: [{type: fail, connector: p, text: no}]}
  - {name: calls, process: [{type: flow-ref, flow: f}]}
  - {name: tells, process: [{type: flow-ref, flow: f, oneWay: true}]}
  - {name: waits, process: [{type: wait, connector: p}, {type: flow-ref, flow: f}]}
  - {name: recovers, process: [{type: flow-ref, flow: f}], error: [{type: set-payload, value: body}]}
"""


async def kept(plugins, flow, *bodies, sample=0.0, flows=FLOWS, **message):
    """The traces that are kept of these messages, as records."""
    traces = []
    async with running(flows, plugins, observer=Recorder(traces.append, sample=sample)) as app:
        probes["probe"].gate("go").set()
        for body in bodies:
            try:
                result = app.generation.flows[flow].call(Message(body, **message))
                if not isinstance(result, Message):
                    await result
            except Failure:
                pass
    return [records(encode(trace).data) for trace in traces]


async def test_of_what_succeeds_nothing_is_kept(plugins):
    assert await kept(plugins, "calls", -1) == []


async def test_of_what_fails_the_input_and_the_failing_block_are_kept(plugins):
    [[flow, block]] = await kept(plugins, "f", 1)

    assert (flow["path"], flow["outcome"], flow["brief"], flow["input"]) == ("f", "failed", True, {"body": 1})
    assert (block["path"], block["type"], block["connector"]) == ("f.if[then].fail", "fail", "p")
    assert block["error"]["message"] == 'block "if": block "fail": no'


async def test_the_failing_block_shows_the_message_that_it_was_given(plugins):
    [trace] = await kept(plugins, "f", 1)

    assert [state.before.vars for state in states(trace)] == [{}, {"seen": 1}]


async def test_called_flows_that_fail_are_in_the_same_trace(plugins):
    inner, outer = await kept(plugins, "calls", 1)

    assert inner[0]["trace"] == outer[0]["trace"]
    assert (inner[0]["flow"], outer[0]["flow"]) == ("f", "calls")


async def test_one_way_calls_that_fail_are_kept_too(plugins):
    [[flow, _]] = await kept(plugins, "tells", 1)

    assert flow["flow"] == "f"


async def test_flows_that_wait_are_kept_when_they_fail_or_are_cancelled(plugins):
    assert [trace[0]["flow"] for trace in await kept(plugins, "waits", 1)] == ["f", "waits"]

    traces = []
    async with running(FLOWS, plugins, observer=Recorder(traces.append, sample=0.0)) as app:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await app.call("waits", 1)
    [[flow]] = [records(encode(trace).data) for trace in traces]
    assert flow["outcome"] == "cancelled"


async def test_a_failure_that_is_recovered_is_told_of_the_flow_that_failed(plugins):
    [[flow, _]] = await kept(plugins, "recovers", 1)

    assert flow["flow"] == "f"


async def test_the_trace_of_a_caller_goes_on_by_its_id(plugins):
    [[flow, _]] = await kept(plugins, "f", 1, traceparent=f"00-{ID}-{SPAN}-00")

    assert (flow["trace"], flow["parent"]) == (ID, SPAN)


async def test_who_is_called_learns_the_id_and_that_nobody_records(plugins):
    told, traces = [], []

    class Telling(Observer):
        def step(self, step):
            def call(message):
                told.append(tracing.outgoing(message))
                tracing.effect("http", url="forgotten")
                return step.call(message)

            return step if step.connector is None else step._replace(call=call)

    async with running(FLOWS, plugins, observer=Observers([Telling(), Recorder(traces.append, sample=0.0)])) as app:
        probes["probe"].gate("go").set()
        with pytest.raises(Failure):
            await app.call("waits", 1)

    inner, outer = [records(encode(trace).data)[0] for trace in traces]
    assert [tracing.parse(parent) for parent in told] == [
        (outer["trace"], outer["span"], False),
        (inner["trace"], inner["span"], False),
    ]


async def test_a_call_that_waits_is_in_a_span_while_it_waits(plugins):
    told = []

    class Telling(Observer):
        def step(self, step):
            async def call(message):
                await asyncio.sleep(0)
                told.append(tracing.outgoing(message))
                return message

            return step if step.connector is None else step._replace(call=call)

    async with running(FLOWS, plugins, observer=Observers([Telling(), Recorder(print, sample=0.0)])) as app:
        await app.call("waits", -1)
        assert tracing.current.get() is None

    assert [tracing.parse(parent).sampled for parent in told] == [False]


async def test_blocks_of_messages_outside_the_sample_are_not_watched(plugins):
    watched = []

    class Watching(Recorder):
        def step(self, step):
            def call(message):
                watched.append(step.address)
                return step.call(message)

            return super().step(step._replace(call=call))

    async with running(FLOWS, plugins, observer=Watching(print, sample=0.0)) as app:
        await app.call("calls", -1)

    assert watched == []


async def test_a_share_of_the_messages_is_recorded_whole(plugins):
    traces = await kept(plugins, "f", *[-1] * 200, sample=0.5)

    assert 50 < len(traces) < 150
    assert not any("brief" in trace[0] for trace in traces)


async def test_a_task_that_outlives_such_a_message_brings_messages_of_its_own(plugins):
    """A connection that the first call opens, and that receives later, keeps the context of that call."""
    kept, received = [], asyncio.Event()

    class Receiving(Observer):
        def step(self, step):
            def call(message):
                self.task = asyncio.get_running_loop().create_task(self.receive())
                return message

            return step if step.connector is None else step._replace(call=call)

        async def receive(self):
            await received.wait()
            await at_last(app.generation.flows["calls"].call(Message(-1)))

    receiving = Receiving()
    admitted = iter([False, True])
    recorder = Recorder(kept.append, admit=lambda: next(admitted))
    async with running(FLOWS, plugins, observer=Observers([receiving, recorder])) as app:
        await app.call("waits", -1)
        received.set()
        await receiving.task

    assert [trace.site.flow for trace in kept] == ["calls"]


MASKING = """
connectors: [{name: p, type: probe}]
flows:
  - {name: fails, process: [{type: fail, connector: p, text: no}]}
  - {name: masks, mask: [card], process: [{type: fail, connector: p, text: no}]}
  - {name: calls, process: [{type: flow-ref, flow: masks}]}
  - {name: masks-and-calls, mask: [card], process: [{type: flow-ref, flow: fails}]}
  - {name: masks-and-tells, mask: [card], process: [{type: flow-ref, flow: fails, oneWay: true}]}
"""


@pytest.mark.parametrize("flow", ["calls", "masks-and-calls", "masks-and-tells"])
async def test_what_any_flow_declares_is_masked(plugins, flow):
    traces = await kept(plugins, flow, {"card": "4111222233334444"}, flows=MASKING)

    assert traces
    assert "4111222233334444" not in str(traces)
