"""ai-retry: how a model mends a message, what stays of a failed run, and how it ends."""

from __future__ import annotations

import pytest

from octo import Settings, block
from octo.core.block import Block
from octo.core.errors import ConfigError, Permanent
from octo.core.expressions import Expr
from octo.core.flow import Drop, Failure, Outcome
from octo.core.message import Message
from octo.core.secrets import MASKED, mask
from octo.testing.harness import running
from tests.ai import injections
from tests.ai.fakes import calls, components, flow

SECRET = "k-93-retry-canary-51"
ERROR = ", error: [{type: set-payload, value: 'vars.error.message'}]"


class Need(Settings):
    that: Expr[bool]
    """What must be true."""


@block("need")
def need(settings: Need, message: Message) -> Message:
    """Fail unless something is true."""
    if not settings.that(message):
        raise Permanent(f"refused: {message.body!r}", vars={"statusCode": 422})
    return message


@block("drop-it")
def drop_it(settings: Settings, message: Message) -> Block[Outcome]:
    """Drop the message."""
    del settings, message
    yield from ()
    return Drop("enough")


NEED = "{type: need, that: body.amount > 0}"


def retrying(more: str = "", process: str = NEED) -> str:
    return flow(f"{{type: ai-retry, name: fix, connector: llm, prompt: Mend it., process: [{process}]{more}}}")


def revise(body: object, **variables: object):
    return calls(("revise_message", {"body": body, **({"variables": variables} if variables else {})}))


async def tried(text, *script, body=None, vars=None):
    async with running(text, components=components(need, drop_it)) as app:
        model = app.connector("llm").says(*script)
        return await app.call("f", {"amount": 0} if body is None else body, vars or {}), model


async def failure(text, *script):
    async with running(text, components=components(need)) as app:
        app.connector("llm").says(*script)
        with pytest.raises(Failure) as found:
            await app.call("f", {"amount": 0})
        return found.value


async def test_a_chain_that_succeeds_asks_no_model():
    message, model = await tried(retrying(), body={"amount": 1})

    assert message.body == {"amount": 1}
    assert model.asks == []
    assert message.vars == {}


async def test_a_revision_that_helps_is_the_result_of_the_chain():
    message, model = await tried(retrying(), revise({"amount": 5}, note="assumed"))

    assert message.body == {"amount": 5}
    assert message.vars["note"] == "assumed"
    assert "error" not in message.vars
    assert message.vars["ai"]["attempts"] == 1
    [ask] = model.asks
    assert ask.choice == "auto"
    assert [each.name for each in ask.tools] == ["revise_message"]
    assert "Mend it." in ask.system


async def test_the_model_sees_the_error_the_body_and_the_variables():
    _, model = await tried(retrying(), revise({"amount": 5}), vars={"customer": "c-1"})

    text = model.asks[0].turns[0].text
    assert '"message":"block \\"need\\": refused' in text
    assert '"code":"OCTO-R110"' in text
    assert '{"amount":0}' in text
    assert '"customer":"c-1"' in text
    assert '"statusCode":422' in text


async def test_the_model_sees_only_the_variables_that_it_may():
    given = {"jwt": "of-ada", "note": "by phone"}

    _, model = await tried(retrying(", variables: [note]"), revise({"amount": 5}), vars=given)

    assert "of-ada" not in str(model.asks)
    assert '{"note":"by phone"}' in model.asks[0].turns[0].text


async def test_each_further_failure_is_the_result_of_the_call_that_led_to_it():
    _, model = await tried(retrying(), revise({"amount": -1}), revise({"amount": -2}), revise({"amount": 3}))

    turns = model.asks[2].turns
    assert [type(each).__name__ for each in turns] == ["User", "Assistant", "Results", "Assistant", "Results"]
    [result] = turns[4].results
    assert result.is_error
    assert '{"amount":-2}' in result.content


async def test_the_chain_runs_once_more_than_there_are_attempts_and_then_its_own_error_is_raised():
    error = await failure(retrying(", maxAttempts: 2"), *[revise({"amount": -1})] * 5)

    assert "after 2 of 2 revisions, which is all" in str(error)
    assert "refused: {'amount': -1}" in str(error)
    assert error.as_value("f")["code"] == "OCTO-R110"


async def test_the_error_chain_runs_with_the_error_of_the_chain():
    message, model = await tried(retrying(f", maxAttempts: 1{ERROR}"), revise({"amount": -1}))

    assert "refused: {'amount': -1}" in message.body
    assert message.vars["ai"]["ended"] == "which is all"
    assert message.vars["statusCode"] == 422
    assert len(model.asks) == 1


@pytest.mark.parametrize(
    ("step", "ended"),
    [
        ("Nothing can be done.", "because the model proposed no revision (end_turn)"),
        (calls(("other", {})), "because the model proposed no revision (tool_use)"),
        (Permanent("500 from the provider"), "because the model failed: 500 from the provider"),
    ],
)
async def test_without_a_revision_the_loop_ends_with_the_error_of_the_chain(step, ended):
    message, model = await tried(retrying(ERROR), step)
    error = await failure(retrying(), step)

    assert "refused: {'amount': 0}" in message.body
    assert message.vars["ai"]["ended"] == ended
    assert len(model.asks) == 1
    assert error.as_value("f")["code"] == "OCTO-R110"
    assert ended in str(error)


async def test_nothing_stays_of_a_run_that_failed():
    process = (
        "{type: need, that: '!has(vars.half)'}, {type: set-variable, settings: {name: half, value: '1'}}, "
        '{type: set-payload, value: \'{"amount": body.amount, "x": 1}\'}, ' + NEED
    )

    message, model = await tried(retrying(process=process), revise({"amount": 2}))

    assert message.body == {"amount": 2, "x": 1}
    assert '{"amount":0}\n' in model.asks[0].turns[0].text


async def test_the_next_run_sees_the_error_of_the_one_before():
    process = f"{{type: set-variable, settings: {{name: first, value: '!has(vars.error)'}}}}, {NEED}"

    message, _ = await tried(retrying(process=process), revise({"amount": 2}), vars={})
    again, _ = await tried(retrying(process=process), revise({"amount": 2}), vars={"error": "of before"})

    assert message.vars["first"] is False
    assert again.vars["error"] == "of before"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, 'the property "body" is missing'),
        ("{oops", "no JSON object"),
        ({"body": {"amount": 1}, "variables": [1]}, "/variables: must be an object"),
        ({"body": {"amount": 1}, "variables": {"jwt": 1}}, "jwt"),
    ],
)
async def test_a_revision_that_is_wrong_is_told_to_the_model_and_counts(arguments, said):
    text = retrying(", maxAttempts: 2, variables: [note]")

    message, model = await tried(text, calls(("revise_message", arguments)), revise({"amount": 1}))

    [result] = model.asks[1].turns[2].results
    assert result.is_error
    assert said in result.content
    assert message.body == {"amount": 1}
    assert message.vars["ai"]["attempts"] == 2


async def test_of_several_revisions_at_once_the_first_is_tried():
    reply = calls(
        ("look", {}), ("revise_message", {"body": {"amount": -7}}), ("revise_message", {"body": {"amount": 9}})
    )

    message, model = await tried(retrying(), reply, revise({"amount": 1}))

    assert message.body == {"amount": 1}
    look, first, second = model.asks[1].turns[2].results
    assert '{"amount":-7}' in first.content
    assert "not carried out" in look.content
    assert "not carried out" in second.content


async def test_a_drop_counts_as_success():
    outcome, model = await tried(retrying(process=f"{NEED}, {{type: drop-it}}"), revise({"amount": 1}))

    assert outcome == Drop("enough")
    assert len(model.asks) == 1


async def test_a_stop_counts_as_success_and_ends_the_flow():
    process = f"{NEED}, {{type: validate, rules: [{{expr: 'false', message: no}}]}}"

    message, _ = await tried(retrying(process=process), revise({"amount": 1}))

    assert message.body["error"] == "validation_failed"
    assert message.vars["ai"]["attempts"] == 1


async def test_a_budget_that_is_used_up_is_raised_past_the_error_chain():
    error = await failure(retrying(f", budget: {{calls: 1}}{ERROR}"), *[revise({"amount": -1})] * 3)

    assert error.as_value("f")["type"] == "BudgetExceeded"
    assert len(error.recovery("f").vars["ai"]["history"]) == 3


async def test_the_budget_covers_the_chain_and_its_end_is_not_mended():
    process = "{type: ai-prompt, connector: llm, prompt: P., answer: json, repairs: 3}"

    error = await failure(retrying(f", budget: {{calls: 2}}{ERROR}", process), *["no JSON"] * 5)

    assert error.as_value("f")["type"] == "BudgetExceeded"


async def test_an_answer_of_a_model_that_was_no_json_is_mended():
    process = "{type: ai-mapping, connector: llm, prompt: P., repairs: 0}"

    message, model = await tried(retrying(process=process), "prose", revise({"amount": 1}), '{"ok": true}')

    assert message.body == {"ok": True}
    assert "response is not valid JSON" in model.asks[1].turns[0].text


async def test_an_error_in_the_error_chain_has_both_reasons():
    error = await failure(retrying(", error: [{type: need, that: 'false'}]"), "no")

    assert "then" in str(error)
    assert "scope alternative" in str(error)


@pytest.mark.parametrize("document", injections.ALL)
async def test_what_the_model_sees_is_inside_of_the_marks_and_without_secrets(document):
    mask(SECRET)
    body, variables = {"amount": 0, "text": document, "key": SECRET}, {"doc": document, "token": SECRET, document: 1}

    _, model = await tried(retrying(), revise({"amount": -1}), revise({"amount": 1}), body=body, vars=variables)

    for ask in model.asks:
        assert injections.MARK in str(ask.turns)
        assert injections.MARK not in injections.instructions(ask)
        assert SECRET not in str(ask)
        assert MASKED in str(ask)


async def test_of_a_large_message_the_model_sees_the_beginning_and_the_end():
    _, model = await tried(retrying(ERROR), "no", body={"amount": 0, "x": "y" * 1_000_000})

    assert len(model.asks[0].turns[0].text) < 140_000


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (", maxAttempts: 0", "maxAttempts"),
        (", error: []", "`error` has no block"),
        (", budget: {attempts: 1}", "attempts"),
    ],
)
async def test_a_mistake_in_the_settings_is_found_when_the_flow_is_built(more, said):
    with pytest.raises(ConfigError, match=said):
        async with running(retrying(more), components=components(need)):
            pass
