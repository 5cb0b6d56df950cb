"""timeout gives a chain a deadline of its own; of several deadlines the nearest counts."""

from __future__ import annotations

import asyncio

import pytest

from octo.config.load import parse
from octo.core.errors import ConfigError, Timeout
from octo.core.flow import Failure
from octo.core.message import Message
from octo.testing.clock import virtual
from octo.testing.harness import running
from octo.testing.probe import probes
from octo.trace.encode import encode
from octo.trace.packed import records
from octo.trace.recorder import Recorder

FLOW = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - type: timeout
        name: limit
        after: 2s
        process:
          - {type: set-variable, settings: {name: changed, value: '1'}}
          - INNER
      - {type: note, connector: p, value: '"after"'}
    error:
      - type: set-payload
        value: >-
          [string(now), vars.error.type, vars.error.block, vars.error.path, vars.error.message, has(vars.changed)]
"""
WAIT = "{type: wait, name: slow, connector: p}"
NESTED = [
    (WAIT, "f.limit[process].slow"),
    (f"{{type: fork, branches: [[], [{WAIT}]]}}", "f.limit[process].fork[1].slow"),
    (f"{{type: foreach, items: '[1, 2]', mode: map, concurrency: 2, body: [{WAIT}]}}", "foreach[body].slow"),
    (f"{{type: handle-errors, process: [{WAIT}], error: [{{type: set-payload, value: '1'}}]}}", "[process].slow"),
]


@virtual(start="2026-01-01T00:00:00Z")
@pytest.mark.parametrize(("inner", "path"), NESTED)
async def test_a_chain_that_takes_too_long_fails_at_the_call_it_waited_for(plugins, inner, path):
    async with running(FLOW.replace("INNER", inner), plugins) as app:
        now, kind, block, address, message, changed = (await app.call("f")).body

        assert (now, kind, block, changed) == ("2026-01-01T00:00:02Z", "Timeout", "limit", False)
        assert address.endswith(path)
        assert message.endswith('block "slow": block "limit" did not finish within 2s')
        assert probes["probe"].waiting == 0
        assert probes["probe"].notes == []


@virtual()
async def test_a_chain_that_is_quick_is_as_if_it_stood_there(plugins):
    async with running(FLOW.replace("INNER", WAIT), plugins) as app:
        probes["probe"].gate("go").set()
        outcome = await app.call("f", 1)

        assert (outcome.body, dict(outcome.vars)) == (1, {"changed": 1})
        assert probes["probe"].notes == ["after"]


@virtual()
async def test_when_the_deadline_of_the_flow_is_nearer_that_one_counts(plugins):
    async with running(FLOW.replace("INNER", WAIT), plugins) as app:
        with pytest.raises(Timeout, match='flow "f" did not finish within 1s'):
            await app.call("f", timeout=1)

        assert str(app.events[-1].error).endswith('flow "f" did not finish within 1s')
        assert app.events[-1].error.address == "f.limit[process].slow"


@virtual()
@pytest.mark.parametrize(("outer", "who"), [("1s", "outer"), ("9s", "limit")])
async def test_of_nested_timeouts_the_nearer_counts(plugins, outer, who):
    inner = f"{{type: timeout, name: limit, after: 2s, process: [{WAIT}]}}"
    text = f"""
connectors: [{{name: p, type: probe}}]
flows: [{{name: f, process: [{{type: timeout, name: outer, after: {outer}, process: [{inner}]}}]}}]
"""
    async with running(text, plugins) as app:
        with pytest.raises(Failure, match=f'block "{who}" did not finish within'):
            await app.call("f", timeout=30)


@virtual()
async def test_a_called_flow_that_is_cut_off_has_failed(plugins):
    text = FLOW.replace("INNER", "{type: flow-ref, flow: g}") + f"  - {{name: g, process: [{WAIT}]}}\n"
    async with running(text, plugins) as app:
        body = (await app.call("f")).body

        assert app.kinds("g") == ["started", "failed"]
        assert body[3] == "g.slow"


@virtual()
async def test_its_caller_may_go_away(plugins):
    async with running(FLOW.replace("INNER", WAIT), plugins) as app, asyncio.TaskGroup() as group:
        call = group.create_task(app.call("f"))
        await asyncio.sleep(1)
        call.cancel()

    assert call.cancelled()
    assert app.kinds("f") == ["started", "failed"]
    assert isinstance(app.events[-1].error, asyncio.CancelledError)


@virtual()
@pytest.mark.parametrize("body", ["1s", "-1s"])
async def test_the_time_may_be_computed(plugins, body):
    async with running(FLOW.replace("INNER", WAIT).replace("2s", "duration(body)"), plugins) as app:
        assert (await app.call("f", body)).body[1] == "Timeout"
        assert asyncio.get_running_loop().time() <= 1


async def test_a_chain_that_never_waits_needs_no_event_loop(plugins):
    async with running(FLOW.replace("INNER", "{type: set-payload, value: '1'}"), plugins) as app:
        assert app.generation.flows["f"].process(Message()).body == 1


@virtual()
async def test_a_trace_says_which_block_was_too_slow(plugins):
    kept = []
    recorder = Recorder(lambda trace: kept.append(records(encode(trace).data)))
    async with running(FLOW.replace("INNER", WAIT), plugins, observer=recorder) as app:
        await app.call("f")

    slow = next(each for each in kept[0] if each["path"].endswith("slow"))
    assert (slow["outcome"], slow["error"]["code"]) == ("failed", "OCTO-R121")


def test_no_time_at_all_is_refused(plugins):
    with pytest.raises(ConfigError, match="`after` is 0"):
        parse(FLOW.replace("INNER", WAIT).replace("after: 2s", "after: 0s"), plugins, {})
