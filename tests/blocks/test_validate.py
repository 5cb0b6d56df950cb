"""validate lets good messages pass and ends the flow with a refusal of the others."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.core.flow import Drop, Failure
from octo.testing.harness import running
from octo.testing.probe import probes

FLOW = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - type: validate
        name: check
        rules:
          - {expr: body.amount > 0, message: amount must be positive}
          - {expr: 'body.item != ""', message: item is missing}
          - {expr: body.amount < 1000}
        MORE
      - {type: note, connector: p, value: body}
    error: [{type: set-payload, value: vars.error.message}]
"""
GOOD = {"amount": 1, "item": "x"}
BAD = {"amount": 0, "item": ""}


def flow(more: str = "") -> str:
    return FLOW.replace("MORE", more)


async def run(plugins, text, body):
    async with running(text, plugins) as app:
        outcome = await app.call("f", body)
        return outcome if isinstance(outcome, Drop) else (outcome.body, dict(outcome.vars), probes["probe"].notes)


async def test_a_good_message_passes(plugins):
    assert await run(plugins, flow(), GOOD) == (GOOD, {}, [GOOD])


async def test_all_rules_are_told_and_the_flow_is_complete(plugins):
    told = ["amount must be positive", "item is missing"]

    assert await run(plugins, flow(), BAD) == (
        {"error": "validation_failed", "messages": told},
        {"validationErrors": told, "httpStatus": 422},
        [],
    )


async def test_a_rule_without_a_message_gives_away_nothing(plugins):
    body, _, _ = await run(plugins, flow(), {"amount": 1000, "item": "x"})

    assert body["messages"] == ["rule 3 is not satisfied"]


@pytest.mark.parametrize("more", ["rejectStatus: 400", "rejectStatus: 400\n        onReject: []"])
async def test_the_status_may_be_another_and_an_empty_chain_counts_as_none(plugins, more):
    body, variables, _ = await run(plugins, flow(more), BAD)

    assert (body["error"], variables["httpStatus"]) == ("validation_failed", 400)


ON_REJECT = "onReject: [{type: set-payload, value: vars.validationErrors.size()}, %s]"


@pytest.mark.parametrize("end", ["{type: log, message: '\"x\"'}", "{type: stop, connector: p, value: body}"])
async def test_a_chain_makes_the_answer_without_a_status(plugins, end):
    body, variables, notes = await run(plugins, flow(ON_REJECT % end), BAD)

    assert (body, "httpStatus" in variables, notes) == (2, False, [])


async def test_that_chain_may_drop_or_fail(plugins):
    assert isinstance(await run(plugins, flow(ON_REJECT % "{type: filter, expr: 'false'}"), BAD), Drop)

    body, _, _ = await run(plugins, flow(ON_REJECT % "{type: fail, connector: p, name: leaf}"), BAD)
    assert body == 'block "check": block "leaf": as ordered'


async def test_a_rule_that_cannot_be_evaluated_is_an_error_that_names_it(plugins):
    async with running(flow().split("    error:")[0], plugins) as app:
        with pytest.raises(Failure, match="validate rule 0: ") as caught:
            await app.call("f", {"item": ""})

    assert (caught.value.address, caught.value.at.line) == ("f.check", 9)


@pytest.mark.parametrize(
    ("more", "said"),
    [("rejectStatus: 42", "rejectStatus"), ("onRejekt: []", "onReject"), ("rejectStatus: no", "rejectStatus")],
)
def test_settings_that_make_no_sense_are_refused(plugins, more, said):
    with pytest.raises(ConfigError, match=said):
        parse(flow(more), plugins, {})


def test_rules_are_checked_against_a_known_message(plugins):
    schema = "input: {type: object, properties: {item: {type: string}}}\n    process:"
    with pytest.raises(ConfigError, match="amount"):
        parse(flow().replace("process:", schema, 1), plugins, {})


SCHEMA = """
flows:
  - name: f
    process:
      - type: validate
        schema:
          type: object
          required: [id]
          properties:
            lines: {type: array, items: {type: object, properties: {qty: {type: integer, minimum: 1}}}}
        RULES
"""
BAD_LINES = {"lines": [{"qty": 0}, {"qty": 1}, {"qty": "secret"}]}


async def test_a_schema_says_what_is_wrong_where(plugins):
    async with running(SCHEMA.replace("RULES", "rules: [{expr: body.id.size() > 100}]"), plugins) as app:
        outcome = await app.call("f", BAD_LINES)

    assert outcome.body["faults"] == [
        {"pointer": "", "message": 'the property "id" is missing'},
        {"pointer": "/lines/0/qty", "message": "must be at least 1"},
        {"pointer": "/lines/2/qty", "message": "must be a whole number, not a text"},
    ]
    assert outcome.body["messages"] == outcome.vars["validationErrors"]
    assert outcome.body["messages"][1] == "/lines/0/qty: must be at least 1"
    assert "secret" not in str(outcome.body)


async def test_rules_are_asked_once_the_body_fits(plugins):
    async with running(SCHEMA.replace("RULES", "rules: [{expr: body.id != 'x', message: not x}]"), plugins) as app:
        assert (await app.call("f", {"id": "x"})).body == {"error": "validation_failed", "messages": ["not x"]}
        assert (await app.call("f", {"id": "y"})).body == {"id": "y"}


async def test_the_chain_that_makes_the_answer_gets_the_messages_of_a_schema(plugins):
    more = "onReject: [{type: set-payload, value: vars.validationErrors.size()}]"
    async with running(SCHEMA.replace("RULES", more), plugins) as app:
        assert (await app.call("f", BAD_LINES)).body == 3


def test_a_validate_that_asks_for_nothing_is_refused(plugins):
    with pytest.raises(ConfigError, match="it needs `rules` or a `schema`"):
        parse("flows: [{name: f, process: [{type: validate}]}]", plugins, {})
