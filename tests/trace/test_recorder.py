"""Flows in, traces out: every crossing with its parent, whole or not at all."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from octo.core import trace as tracing
from octo.core.errors import Timeout
from octo.core.flow import Drop, Failure
from octo.core.message import Message
from octo.engine.flow import FlowInlet
from octo.testing.clock import virtual
from octo.testing.harness import running
from octo.testing.probe import probes
from octo.trace.encode import encode
from octo.trace.packed import records
from octo.trace.record import states
from octo.trace.recorder import Recorder

ID, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

PLAIN = """
flows:
  - name: f
    process:
      - {type: set-payload, value: body + 1}
      - {type: set-payload, value: body * 2}
"""


def tree(trace):
    """The paths of a trace, each under its parent, as nested lists."""
    children = {}
    for record in trace:
        children.setdefault(record.get("parent"), []).append(record)

    def below(record):
        inner = [below(each) for each in children.get(record["span"], ())]
        return [record["path"], *inner] if inner else record["path"]

    return below(trace[0])


def outcomes(trace):
    return {record["path"]: record["outcome"] for record in trace}


async def test_a_message_makes_a_trace_of_its_flow_and_every_block(record):
    [trace] = await record(PLAIN, 1)

    assert tree(trace) == ["f", "f.set-payload", "f.set-payload#2"]
    assert [(state.before.body, state.after.body) for state in states(trace)] == [(1, 4), (1, 2), (2, 4)]
    assert {each["kind"] for each in trace[1:]} == {"block"}
    assert trace[1]["type"] == "set-payload"


async def test_branches_stand_under_their_block(record):
    [trace] = await record(
        """
flows:
  - name: f
    process:
      - type: if
        condition: body > 0
        then: [{type: set-payload, value: '"more"'}]
      - type: fork
        branches:
          - {name: a, process: [{type: set-payload, value: 1}]}
          - {name: b, process: [{type: set-payload, value: 2}]}
      - {type: foreach, items: '[1, 2]', mode: map, body: [{type: set-payload, value: vars.item}]}
""",
        1,
    )

    assert tree(trace) == [
        "f",
        ["f.if", "f.if[then].set-payload"],
        ["f.fork", "f.fork[a].set-payload", "f.fork[b].set-payload"],
        ["f.foreach", "f.foreach[body].set-payload", "f.foreach[body].set-payload"],
    ]


async def test_a_called_flow_stands_under_the_block_that_called_it(record):
    [trace] = await record(
        """
flows:
  - {name: f, process: [{type: flow-ref, flow: g}]}
  - {name: g, process: [{type: set-payload, value: body + 1}]}
""",
        1,
    )

    assert tree(trace) == ["f", ["f.flow-ref", ["g", "g.set-payload"]]]
    assert trace[2]["event"] != trace[0]["event"]


async def test_a_one_way_call_is_a_trace_of_its_own_with_the_same_id(record):
    first, second = await record(
        """
flows:
  - {name: f, process: [{type: flow-ref, flow: g, oneWay: true}, {type: set-payload, value: 0}]}
  - {name: g, process: [{type: set-payload, value: body + 1}]}
""",
        1,
    )

    assert tree(first) == ["f", "f.flow-ref", "f.set-payload"]
    assert tree(second) == ["g", "g.set-payload"]
    assert second[0]["trace"] == first[0]["trace"]
    assert second[0]["parent"] == first[1]["span"]
    assert second[0]["input"] == {"body": 1}


async def test_the_trace_of_a_one_way_call_hides_what_the_flows_before_it_declare(record):
    """It is masked under its name and as a copy, also if a flow in between declares nothing."""
    traces = await record(
        """
flows:
  - {name: f, mask: [card], process: [{type: flow-ref, flow: g, oneWay: true}]}
  - {name: g, process: [{type: flow-ref, flow: h, oneWay: true}]}
  - {name: h, process: [{type: set-payload, value: '{"copy": body.card, "n": body.n}'}]}
""",
        {"card": "4111-1111", "n": 7},
    )

    assert [trace[0]["flow"] for trace in traces] == ["f", "g", "h"]
    assert "4111-1111" not in str(traces)
    assert traces[2][0]["output"] == {"body": {"copy": "«masked»", "n": 7}}


async def test_a_flow_that_calls_itself_nests_as_deep_as_it_goes(record):
    [trace] = await record(
        """
flows:
  - name: f
    process:
      - type: if
        condition: body > 0
        then: [{type: set-payload, value: body - 1}, {type: flow-ref, flow: f}]
""",
        3,
    )

    assert [each["path"] for each in trace].count("f") == 4
    assert tree(trace)[1][2][1][0] == "f"


@virtual()
async def test_blocks_that_wait_side_by_side_keep_their_own_parents(plugins):
    kept = []
    text = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - type: fork
        branches:
          - {name: a, process: [{type: wait, connector: p, for_: a}, {type: flow-ref, flow: g}]}
          - {name: b, process: [{type: wait, connector: p, for_: b}, {type: set-payload, value: 2}]}
  - {name: g, process: [{type: wait, connector: p, for_: c}, {type: set-payload, value: 3}]}
"""
    async with running(text, plugins, observer=Recorder(kept.append)) as app, asyncio.TaskGroup() as tasks:
        tasks.create_task(app.call("f", 1))
        for gate in "bac":
            await asyncio.sleep(1)
            probes["probe"].gate(gate).set()
    [trace] = kept

    assert tree(records(encode(trace).data)) == [
        "f",
        [
            "f.fork",
            "f.fork[a].wait",
            "f.fork[b].wait",
            "f.fork[b].set-payload",
            ["f.fork[a].flow-ref", ["g", "g.wait", "g.set-payload"]],
        ],
    ]


@virtual()
async def test_messages_that_overtake_one_another_do_not_mix(plugins):
    kept = []
    text = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    workers: 9
    process: [{type: wait, connector: p}, {type: set-payload, value: body * 2}, {type: flow-ref, flow: g}]
  - {name: g, workers: 9, process: [{type: set-payload, value: body + 1}]}
"""
    async with running(text, plugins, observer=Recorder(kept.append)) as app, asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(app.call("f", number)) for number in range(9)]
        await asyncio.sleep(1)
        probes["probe"].gate("go").set()
    for trace, call in zip(kept, calls, strict=True):
        assert tree(records(encode(trace).data)) == [
            "f",
            "f.wait",
            "f.set-payload",
            ["f.flow-ref", ["g", "g.set-payload"]],
        ]
        assert trace.crossings[0][4] is call.result()


async def test_a_failure_says_what_happened_and_where(record):
    [trace] = await record("flows: [{name: f, process: [{type: set-payload, value: body.x}]}]", {"y": 1})

    assert outcomes(trace) == {"f": "failed", "f.set-payload": "failed"}
    error = trace[1]["error"]
    assert error["code"].startswith("OCTO-E")
    assert error["type"] == "ExprError"
    assert error["path"] == "f.set-payload"
    assert error["at"].startswith("flow.yaml:1:")
    assert error["message"].startswith('block "set-payload": ')


async def test_a_failure_that_was_handled_leaves_a_completed_flow(record):
    [trace] = await record(
        """
flows:
  - name: f
    process: [{type: set-payload, value: body.x}]
    error: [{type: set-payload, value: vars.error.code}]
""",
        {},
    )

    assert outcomes(trace) == {"f": "completed", "f.set-payload": "failed", "f[error].set-payload": "completed"}
    *_, last = states(trace)
    assert last.before.vars["error"]["code"] == last.after.body


async def test_blocks_after_one_that_failed_stand_where_they_belong(record):
    [trace] = await record(
        """
flows:
  - name: f
    process:
      - type: handle-errors
        process: [{type: flow-ref, flow: g}]
        error: [{type: set-payload, value: 1}]
      - {type: set-payload, value: 2}
  - {name: g, process: [{type: if, condition: 'true', then: [{type: set-payload, value: body.x}]}]}
""",
        {},
    )

    assert tree(trace) == [
        "f",
        [
            "f.handle-errors",
            ["f.handle-errors[process].flow-ref", ["g", ["g.if", "g.if[then].set-payload"]]],
            "f.handle-errors[error].set-payload",
        ],
        "f.set-payload",
    ]


async def test_a_drop_says_why(record):
    [trace] = await record("flows: [{name: f, process: [{type: filter, expr: body > 1, reason: too small}]}]", 1)

    assert [each["outcome"] for each in trace] == ["dropped", "dropped"]
    assert trace[1]["reason"] == "too small"
    assert "output" not in trace[0]


@virtual()
async def test_a_cancelled_flow_is_kept_and_says_so(plugins):
    kept = []
    text = "{connectors: [{name: p, type: probe}], flows: [{name: f, process: [{type: wait, connector: p}]}]}"
    async with running(text, plugins, observer=Recorder(kept.append, sample=0.0, whole_failures=True)) as app:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await app.call("f", 1)
    [trace] = kept

    assert outcomes(records(encode(trace).data)) == {"f": "cancelled", "f.wait": "cancelled"}


async def test_the_sibling_of_a_branch_that_failed_is_cancelled(plugins):
    kept = []
    text = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - type: fork
        branches:
          - {name: a, process: [{type: wait, connector: p}]}
          - {name: b, process: [{type: wait, connector: p, for_: b}, {type: fail, connector: p}]}
"""
    async with running(text, plugins, observer=Recorder(kept.append)) as app:
        probes["probe"].gate("b").set()
        with pytest.raises(Exception, match="as ordered"):
            await app.call("f", 1)
    found = outcomes(records(encode(kept[0]).data))

    assert found["f.fork[a].wait"] == "cancelled"
    assert found["f.fork[b].fail"] == found["f.fork"] == found["f"] == "failed"


async def nonsense_later(_):
    await asyncio.sleep(0)
    return 42


@pytest.mark.parametrize("call", [lambda _: 42, nonsense_later])
async def test_a_block_that_returns_nonsense_is_recorded_as_failed(plugins, call):
    kept = []

    class Nonsense(Recorder):
        def step(self, step):
            return super().step(step._replace(call=call))

    async with running(PLAIN, plugins, observer=Nonsense(kept.append)) as app:
        with pytest.raises(Exception, match="returned int"):
            await app.call("f", 1)

    assert records(encode(kept[0]).data)[1]["error"]["code"] == "OCTO-R190"


# --- samples ---------------------------------------------------------------------------------------------------------


async def test_of_successes_the_sample_is_kept(record):
    assert len(await record(PLAIN, *range(50), sample=1.0)) == 50
    assert await record(PLAIN, *range(50), sample=0.0) == []
    assert 0 < len(await record(PLAIN, *range(400), sample=0.5)) < 400


async def test_processes_agree_on_the_sample(plugins):
    """The id decides: processes with the same sample keep the same traces."""
    first, second = set(), set()
    for kept in (first, second):
        recorder = Recorder(lambda trace, kept=kept: kept.add(trace.id), sample=0.5)
        async with running(PLAIN, plugins, observer=recorder) as app:
            flow = app.generation.flows["f"]
            for number in range(1, 100):
                flow.call(Message(number, traceparent=f"00-{number * 2**50:032x}-{SPAN}-00"))

    assert first == second
    assert 0 < len(first) < 99


async def test_every_trace_in_which_anything_failed_can_be_kept_whole(record):
    [trace] = await record(
        """
flows:
  - name: f
    process:
      - {type: handle-errors, process: [{type: flow-ref, flow: g}], error: [{type: set-payload, value: 0}]}
  - {name: g, process: [{type: set-payload, value: body.x}]}
""",
        1,
        sample=0.0,
        whole_failures=True,
    )

    assert outcomes(trace)["f"] == "completed"
    assert outcomes(trace)["g"] == "failed"


@pytest.mark.parametrize(("sample", "follows"), [(0.0, True), (1.0, False)])
async def test_a_trace_of_another_system_goes_on_here(plugins, sample, follows):
    kept = []
    async with running(PLAIN, plugins, observer=Recorder(kept.append, sample=sample, follows=follows)) as app:
        app.generation.flows["f"].call(Message(1, traceparent=f"00-{ID}-{SPAN}-01"))
        if follows:
            app.generation.flows["f"].call(Message(1, traceparent="nonsense"))
    [trace] = kept
    first = records(encode(trace).data)[0]

    assert (first["trace"], first["parent"]) == (ID, SPAN)


async def test_callers_do_not_decide_how_much_is_kept(plugins):
    """A mark in each request would keep every trace; whether it counts is a setting, and off."""
    kept = []
    marked = [Message(1, traceparent=f"00-{number:032x}-{SPAN}-01") for number in range(2**128 - 50, 2**128)]
    async with running(PLAIN, plugins, observer=Recorder(kept.append, sample=0.01)) as app:
        for message in marked:
            app.generation.flows["f"].call(message)

    assert kept == []


# --- effects and trace ids in blocks ---------------------------------------------------------------------------------


async def test_effects_belong_to_the_block_that_had_them(plugins):
    kept = []

    class Telling(Recorder):
        def step(self, step):
            def call(message):
                tracing.effect("http", url=step.address, status=200)
                return step.call(message)

            return super().step(step._replace(call=call))

    async with running(PLAIN, plugins, observer=Telling(kept.append)) as app:
        await app.call("f", 1)
    flow, first, second = records(encode(kept[0]).data)

    assert "effects" not in flow
    assert [first["effects"][0]["url"], second["effects"][0]["url"]] == ["f.set-payload", "f.set-payload#2"]
    assert flow["at"] <= first["effects"][0]["at"] <= second["effects"][0]["at"]


@pytest.mark.parametrize(("sample", "flag"), [(1.0, "01"), (0.0, "00")])
async def test_other_systems_are_told_the_block_that_calls_them(plugins, sample, flag):
    kept, told = [], []

    class Telling(Recorder):
        def step(self, step):
            async def call(message):
                told.append(tracing.outgoing(message))
                return message.with_body("x".join(message.body))  # an int: fails

            return super().step(step._replace(call=call))

    async with running(PLAIN, plugins, observer=Telling(kept.append, sample=sample, whole_failures=True)) as app:
        with pytest.raises(Exception, match="TypeError"):
            await app.call("f", 1)
    _, block = records(encode(kept[0]).data)

    assert told == [f"00-{block['trace']}-{block['span']}-{flag}"]


async def test_outside_of_a_flow_nothing_is_under_way(record):
    await record(PLAIN, 1)

    assert tracing.current.get() is None


@pytest.mark.parametrize("sample", [1.0, 0.0])
@pytest.mark.parametrize("body", [0, 1])
@virtual()
async def test_after_a_flow_that_waited_its_span_is_over(plugins, sample, body):
    """After a flow, failed or not, the span of its caller in the same task, a source or a block, is back."""
    kept = []
    text = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - {type: handle-errors, process: [{type: flow-ref, flow: g}], error: [{type: log, message: '"no"'}]}
      - {type: set-payload, value: 1}
  - {name: g, process: [{type: wait, connector: p}, {type: set-payload, value: 1 / body}]}
"""
    async with running(text, plugins, observer=Recorder(kept.append, sample=sample)) as app:
        probes["probe"].gate("go").set()
        await app.call("f", body)
        assert tracing.current.get() is None
    if sample:
        first, *_, last = records(encode(kept[0]).data)
        assert (last["path"], last["parent"]) == ("f.set-payload", first["span"])


async def test_a_context_that_outlives_a_trace_holds_no_messages(plugins):
    """A pooled connection keeps the context that it was opened in."""
    kept, spans = [], []

    class Pooling(Recorder):
        def step(self, step):
            async def call(message):
                spans.append(tracing.current.get())
                return message

            return super().step(step._replace(call=call))

    async with running(PLAIN, plugins, observer=Pooling(kept.append, sample=0.0, whole_failures=True)) as app:
        await app.call("f", 1)
    tracing.current.set(spans[0])
    tracing.effect("late", url="x")
    tracing.current.set(None)

    assert kept == []
    assert [crossing[2] for crossing in spans[0].crossings] == [None] * 3
    assert not spans[0].trace.effects


# --- bounds and times ------------------------------------------------------------------------------------------------


async def test_blocks_over_the_limit_are_counted(record):
    [trace] = await record(
        "flows: [{name: f, process: [{type: foreach, items: body, mode: map, body: [{type: filter, expr: 'true'}]}]}]",
        list(range(50)),
        most_blocks=10,
    )

    assert len(trace) == 10
    assert trace[0]["more"] == 42


@virtual(start="2026-03-29T00:30:00Z")
async def test_times_are_those_of_the_clock_of_the_flows(plugins):
    kept = []
    text = "{connectors: [{name: p, type: probe}], flows: [{name: f, process: [{type: wait, connector: p}]}]}"
    async with running(text, plugins, observer=Recorder(kept.append)) as app, asyncio.TaskGroup() as tasks:
        tasks.create_task(app.call("f", 1))
        await asyncio.sleep(3600)
        probes["probe"].gate("go").set()
    flow, block = records(encode(kept[0]).data)

    assert flow["at"] == block["at"] == 1774744200 * 10**9
    assert flow["duration"] == block["duration"] == 3600 * 10**9


async def test_a_record_names_the_generation_that_ran(plugins):
    kept = []
    async with running(PLAIN, plugins) as app:
        app.generation.number = 7
        await app.generation.observe(Recorder(kept.append))
        await app.call("f", 1)

    assert records(encode(kept[0]).data)[0]["generation"] == 7


async def test_what_a_flow_answers_is_what_it_answers_unwatched(plugins):
    async with running(PLAIN, plugins) as plain, running(PLAIN, plugins, observer=Recorder(lambda _: None)) as watched:
        for number in range(5):
            assert (await plain.call("f", number)).body == (await watched.call("f", number)).body


async def test_a_drop_is_a_drop(plugins):
    text = "flows: [{name: f, process: [{type: filter, expr: 'false'}]}]"
    async with running(text, plugins, observer=Recorder(lambda _: None)) as app:
        assert isinstance(await app.call("f", 1), Drop)


async def test_who_would_find_no_room_is_not_recorded_but_kept_in_brief_when_it_fails(plugins):
    kept, asked = [], []

    def admit():
        asked.append(1)
        return len(asked) == 1

    text = (
        "flows: [{name: f, process: [{type: flow-ref, flow: g}]},"
        " {name: g, process: [{type: set-payload, value: 1 / body}]}]"
    )
    async with running(text, plugins, observer=Recorder(kept.append, admit=admit)) as app:
        for body in (1, 2, 0):
            with suppress(Failure):
                await app.call("f", body)

    assert len(asked) == 3  # once for each message, not for the flows that it calls
    assert [(each.site.flow, each.brief, each.has_failed) for each in kept] == [
        ("f", False, False),
        ("g", True, True),
        ("f", True, True),
    ]


async def test_somebody_who_looks_sees_all_there_is_whether_there_is_room_or_not(plugins):
    seen = []
    recorder = Recorder(lambda _: None, admit=lambda: False)
    async with running(PLAIN, plugins, observer=recorder) as app:
        recorder.tap("f", None, 1, seen.append)
        await app.call("f", 1)

    assert len(seen) == 1


@pytest.mark.parametrize("sample", [1.0, 0.0])
@virtual()
async def test_a_deadline_that_passes_is_a_failure_of_the_block_that_was_waited_for(plugins, sample):
    kept = []
    text = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process: [{type: fork, branches: [{name: a, process: [{type: flow-ref, flow: g}]}]}]
  - {name: g, process: [{type: wait, connector: p}]}
"""
    async with running(text, plugins, observer=Recorder(kept.append, sample=sample)) as app:
        with pytest.raises(Timeout):
            await FlowInlet(app.generation.flows["f"]).call(Message(1), timeout=5)
    ended = {each["path"]: each for trace in kept for each in records(encode(trace).data)}

    assert {each["outcome"] for each in ended.values()} == {"failed"}
    assert {each["error"]["code"] for each in ended.values()} == {"OCTO-R121"}
    assert {each["error"]["path"] for each in ended.values()} == {"g.wait"}
    assert len(ended) == (5 if sample else 3)


async def test_an_error_chain_that_fails_leaves_both_failures_in_the_trace(record):
    [trace] = await record(
        """
flows:
  - name: f
    process: [{type: set-payload, name: charge, value: 1 / 0}]
    error: [{type: set-payload, name: notify, value: vars.nope}]
""",
        1,
    )
    told = {each["path"]: each["error"]["message"] for each in trace if "error" in each}

    assert list(told) == ["f", "f.charge", "f[error].notify"]
    value = "set-payload value: evaluate expression:"
    assert told["f"].startswith(f'block "charge": {value} division by zero; then error path: block "notify":')


STOPPED = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - {type: if, condition: 'true', then: [WAIT{type: stop, connector: p, value: '"no"'}]}
      - {type: set-payload, value: '1'}
"""


@pytest.mark.parametrize("wait", ["", "{type: say, connector: p, values: '[1]'}, "], ids=["at-once", "later"])
async def test_a_stop_is_an_answer_that_says_that_nothing_followed(record, wait):
    [trace] = await record(STOPPED.replace("WAIT", wait), "body")

    stopped = [each for each in trace if each.get("stopped")]
    assert [each["path"] for each in stopped] == ["f", "f.if", "f.if[then].stop"]
    assert {each["outcome"] for each in trace} == {"completed"}
    assert [state.after.body for state in states(stopped)] == ["no"] * 3
