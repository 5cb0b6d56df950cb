"""The values of expressions are evaluated again on the recorded messages."""

from __future__ import annotations

import contextlib

import pytest

from octo.config.load import parse
from octo.core.flow import Failure
from octo.testing.harness import running
from octo.trace.encode import encode
from octo.trace.packed import records
from octo.trace.recorder import Recorder
from octo.trace.values import with_values

FLOWS = """
flows:
  - name: f
    process:
      - {type: set-variable, settings: {name: tax, value: body.net * 0.2}}
      - {type: if, condition: vars.tax > 1, then: [{type: set-payload, value: '{"id": eventID, "tax": vars.tax}'}]}
      - {type: set-variable, settings: {name: at, value: now}}
      - {type: flow-ref, flow: g}
  - {name: g, process: [{type: set-payload, value: body.nope}]}
"""


@pytest.fixture
async def trace(plugins):
    kept = []
    async with running(FLOWS, plugins, observer=Recorder(kept.append)) as app:
        with contextlib.suppress(Failure):
            await app.call("f", {"net": 10})
    return records(encode(kept[0]).data)


async def test_each_block_has_its_expressions_on_the_message_it_was_given(trace, plugins):
    values = {record["path"]: record.get("values") for record in with_values(trace, parse(FLOWS, plugins, {}))}

    assert values["f.set-variable"] == {"body.net * 0.2": 2.0}
    assert values["f.if"] == {"vars.tax > 1": True}
    assert values["f.if[then].set-payload"] == {
        '{"id": eventID, "tax": vars.tax}': {"id": trace[0]["event"], "tax": 2.0}
    }


async def test_an_expression_that_failed_says_why(trace, plugins):
    *_, last = with_values(trace, parse(FLOWS, plugins, {}))

    assert list(last["values"]) == ["body.nope"]
    assert "no such key: nope" in last["values"]["body.nope"]["error"]


async def test_what_read_the_clock_is_left_out(trace, plugins):
    found = {record["path"]: record for record in with_values(trace, parse(FLOWS, plugins, {}))}

    assert "values" not in found["f.set-variable#2"]


async def test_blocks_that_are_gone_are_shown_without(trace, plugins):
    found = with_values(trace, parse("flows: [{name: other}]", plugins, {}))

    assert found == trace


def test_secrets_are_not_shown(trace, plugins):
    flows = FLOWS.replace("body.net * 0.2", '\'{"key": env.BANK_KEY, env.BANK_KEY: [env.BANK_KEY + "!"]}\'')
    config = parse(f"env: [{{name: BANK_KEY, secret: true}}]\n{flows}", plugins, {"BANK_KEY": "s3cr3t-of-the-bank"})

    found = {record["path"]: record.get("values") for record in with_values(trace, config)}

    assert list(found["f.set-variable"].values()) == [{"key": "«secret»", "«secret»": ["«secret»!"]}]


AFTERWARDS = """
flows:
  - name: f
    process:
      - type: enrich
        body: [{type: set-payload, value: '{"name": "Ann"}'}]
        setBody: body.name
        setVars: {name: body.name}
      - {type: retry, when: vars.error.status == 409, process: [{type: set-payload, value: vars.attempt}]}
"""


async def test_expressions_that_see_another_message_have_no_value(plugins):
    kept = []
    async with running(AFTERWARDS, plugins, observer=Recorder(kept.append)) as app:
        await app.call("f", {"net": 10})
    config = parse(AFTERWARDS, plugins, {})
    trace = with_values(records(encode(kept[0]).data), config)

    assert {record["path"]: record["values"] for record in trace if "values" in record} == {
        "f.enrich[body].set-payload": {'{"name": "Ann"}': {"name": "Ann"}},
        "f.retry[process].set-payload": {"vars.attempt": 1},
    }
