"""enrich runs a chain on the side and takes what it needs from the result."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.core.flow import Drop, Failure
from octo.testing.harness import running

FLOW = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - type: enrich
        name: customer
        body:
          - {type: set-variable, settings: {name: inner, value: '1'}}
          - {type: set-payload, value: '{"name": "Ann", "was": body}'}
          - END
        MORE
      - {type: set-variable, settings: {name: after, value: '2'}}
    ERROR
"""


def flow(more: str = "", end: str = "{type: log, message: '\"x\"'}", error: str = "") -> str:
    return FLOW.replace("MORE", more).replace("END", end).replace("ERROR", error)


async def run(plugins, text, body="in", **variables):
    async with running(text, plugins) as app:
        outcome = await app.call("f", body, variables)
    return outcome if isinstance(outcome, Drop) else (outcome.body, dict(outcome.vars))


async def test_what_the_chain_changes_stays_inside(plugins):
    assert await run(plugins, flow()) == ("in", {"after": 2})


@pytest.mark.parametrize("empty", ["setBody: ''", "setVars: {}"])
async def test_nothing_written_keeps_everything(plugins, empty):
    assert await run(plugins, flow(empty)) == ("in", {"after": 2})


async def test_body_and_variables_are_made_of_the_result(plugins):
    more = 'setBody: \'{"made": body.name}\'\n        setVars: {name: body.name, "X-Was": body.was, old: vars.inner}'

    assert await run(plugins, flow(more), name="x") == (
        {"made": "Ann"},
        {"name": "Ann", "X-Was": "in", "old": 1, "after": 2},
    )


async def test_a_drop_drops_the_message(plugins):
    assert await run(plugins, flow(end="{type: filter, expr: 'false', reason: no}")) == Drop("no")


async def test_an_error_fails_the_block_and_the_message_is_as_it_came_in(plugins):
    text = flow(
        end="{type: fail, name: ask, connector: p}",
        error="error: [{type: set-payload, value: '[body, vars.error.block, has(vars.inner)]'}]",
    )

    body, _ = await run(plugins, text)
    assert body == ["in", "customer", False]


async def test_a_stop_carries_out_the_expressions_first(plugins):
    more = "setBody: body + \"!\"\n        setVars: {n: '1'}"
    text = flow(more, end="{type: stop, connector: p, value: '\"answer\"'}")

    assert await run(plugins, text) == ("answer!", {"n": 1})


async def test_an_expression_that_fails_is_found_at_its_place(plugins):
    async with running(flow("setVars: {n: body.age}"), plugins) as app:
        with pytest.raises(Failure) as caught:
            await app.call("f", "in")

    assert (caught.value.address, caught.value.at.line) == ("f.customer", 12)


def test_what_is_known_of_the_result_is_checked(plugins):
    text = flow("setVars: {n: body.nam}").replace("process:", "input: {type: string}\n    process:", 1)
    with pytest.raises(ConfigError, match="nam") as caught:
        parse(text, plugins, {})

    assert caught.value.problems[0].at.line == 13


def test_what_is_known_afterwards_is_followed(plugins):
    text = flow("setBody: body.name").replace("process:", "input: {type: string}\n    process:", 1)
    text += "      - {type: set-payload, value: body.size2()}\n"
    with pytest.raises(ConfigError):
        parse(text.replace("    \n", ""), plugins, {})
