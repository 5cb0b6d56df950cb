"""ai-router: which chain runs, what the model gets to see, and what is left of the choice."""

from __future__ import annotations

import pytest

from octo.ai import codes
from octo.ai.blocks.router import MOST_CALLS
from octo.ai.conversation import Reply
from octo.core.errors import ConfigError, Transient
from octo.core.flow import Failure
from octo.core.secrets import MASKED, mask
from octo.testing.harness import running
from tests.ai import injections
from tests.ai.fakes import calls, components, flow

SECRET = "k-93-router-canary-51"
BILLING = "{name: billing, description: Money questions, process: [{type: set-payload, value: '\"to billing\"'}]}"
TECH = "{name: tech, description: Broken things, process: [{type: set-payload, value: vars.ai}]}"
DEFAULT = ", default: {process: [{type: set-payload, value: '\"to a person\"'}]}"


def router(more: str = DEFAULT, routes: str = f"{BILLING}, {TECH}") -> str:
    return flow(f"{{type: ai-router, name: pick, connector: llm, prompt: Choose the desk., routes: [{routes}]{more}}}")


async def routed(text, *script, body=None, vars=None):
    async with running(text, components=components()) as app:
        model = app.connector("llm").says(*script)
        return await app.call("f", body, vars or {}), model


async def failure(text, *script):
    async with running(text, components=components()) as app:
        app.connector("llm").says(*script)
        with pytest.raises(Failure) as found:
            await app.call("f")
        return found.value


def select(route: str, **more: object) -> Reply:
    return calls(("select_route", {"route": route, **more}))


async def test_the_selected_route_runs_after_one_call_and_the_choice_is_kept():
    message, model = await routed(router(), select("billing", reason="it is about an invoice"))

    assert message.body == "to billing"
    assert message.vars["ai"] == {
        "model": "tiny-1",
        "stopReason": "tool_use",
        "usage": {"calls": 1, "inputTokens": 10, "outputTokens": 5, "money": 0.01},
        "route": "billing",
        "reason": "it is about an invoice",
        "rounds": 1,
    }
    [ask] = model.asks
    assert ask.choice == "any"
    assert [each.name for each in ask.tools] == ["get_body", "list_variables", "get_variable", "select_route"]
    assert ask.tools[3].input["properties"]["route"]["enum"] == ["billing", "tech", "__guardrail__"]
    assert 'Choose the desk.\n\nThe routes:\n- "billing": Money questions\n- "tech": Broken things' in ask.system


async def test_the_route_sees_the_choice():
    message, _ = await routed(router(), select("tech"))

    assert message.body["route"] == "tech"
    assert message.body["reason"] == ""


@pytest.mark.parametrize(
    ("script", "reason", "asked"),
    [
        ([Reply("The billing desk.")], "the model selected nothing (end_turn)", 1),
        ([Reply("I won't.", stop="refusal")], "the model selected nothing (refusal)", 1),
        ([select("nope")], "the model selected the unknown route 'nope'", 1),
        ([select("__guardrail__", reason="unclear")], "unclear", 1),
        ([calls(("get_body", {}))] * 5, "the model selected nothing in 5 calls", 5),
        ([calls(("select_route", {}))] * 5, "the model selected nothing in 5 calls", 5),
        ([calls(("sudo", {}))] * 5, "the model selected nothing in 5 calls", 5),
    ],
)
async def test_without_a_choice_the_default_runs_and_the_reason_says_why(script, reason, asked):
    message, model = await routed(router(), *script)

    assert message.body == "to a person"
    assert message.vars["ai"]["route"] == ("__guardrail__" if reason == "unclear" else "")
    assert message.vars["ai"]["reason"] == reason
    assert len(model.asks) == asked


async def test_without_a_default_the_message_passes_through():
    message, _ = await routed(router(""), "Hm.", body={"a": 1})

    assert message.body == {"a": 1}
    assert message.vars["ai"]["route"] == ""


async def test_the_guardrail_is_told():
    _, model = await routed(router(f"{DEFAULT}, guardrail: Ambiguous tickets go to a person."), select("billing"))

    assert "Guardrail: Ambiguous tickets go to a person." in model.asks[0].system


async def test_of_contradictory_selections_the_first_counts():
    reply = calls(("select_route", {"route": "billing"}), ("select_route", {"route": "tech"}), ("get_body", {}))

    message, model = await routed(router(), reply)

    assert message.body == "to billing"
    assert len(model.asks) == 1


async def test_the_model_looks_at_the_message_before_it_selects():
    looks = calls(("get_body", {}), ("list_variables", {}), ("get_variable", {"name": "b"}))

    _, model = await routed(router(), looks, select("billing"), body={"text": "pay"}, vars={"b": [1], "a": 2})

    opening, said, results = model.asks[1].turns
    assert opening.text == "Decide which route the message takes."
    assert said == looks.turn
    assert [each.id for each in results.results] == ["t1", "t2", "t3"]
    assert not any(each.is_error for each in results.results)
    body, names, variable = (each.content for each in results.results)
    assert '{"text":"pay"}' in body
    assert '["a","b"]' in names
    assert "[1]" in variable


async def test_the_model_sees_only_the_variables_that_it_may():
    looks = calls(("list_variables", {}), ("get_variable", {"name": "jwt"}), ("get_variable", {"name": "kind"}))
    text = router(f"{DEFAULT}, variables: [kind, absent]")

    _, model = await routed(text, looks, select("billing"), vars={"jwt": "claims", "kind": "ticket"})

    names, jwt, kind = model.asks[1].turns[2].results
    assert '["kind"]' in names.content
    assert jwt.is_error
    assert "there is no variable of that name" in jwt.content
    assert "ticket" in kind.content


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("get_variable", {"name": "none"}), "there is no variable of that name"),
        (("get_variable", {}), 'the property "name" is missing'),
        (("get_variable", "{oops"), "no JSON object"),
        (("get_variables", {}), "unknown tool 'get_variables'"),
        (("select_route", {"route": 7}), "/route: must be a text"),
        (("select_route", "billing"), "no JSON object"),
    ],
)
async def test_a_call_that_is_wrong_is_told_to_the_model(call, said):
    message, model = await routed(router(), calls(call), select("billing"))

    [result] = model.asks[1].turns[2].results
    assert result.is_error
    assert said in result.content
    assert message.body == "to billing"


async def test_a_selection_that_cannot_be_read_is_the_first_one_too():
    reply = calls(("select_route", {}), ("select_route", {"route": "tech"}))

    _, model = await routed(router(), reply, select("billing"))

    assert [each.is_error for each in model.asks[1].turns[2].results] == [True, True]


async def test_many_calls_at_once_cost_no_more_than_some():
    reply = calls(*[("get_body", {})] * (MOST_CALLS + 1))

    _, model = await routed(router(), reply, select("billing"))

    results = model.asks[1].turns[2].results
    assert len(results) == MOST_CALLS + 1
    assert [each.is_error for each in results] == [False] * MOST_CALLS + [True]


async def test_of_a_large_body_the_model_sees_the_beginning_and_the_end():
    _, model = await routed(router(), calls(("get_body", {})), select("billing"), body="x" * 1_000_000)

    assert len(model.asks[1].turns[2].results[0].content) < 70_000


async def test_an_error_of_the_model_is_never_the_default():
    error = await failure(router(), Transient("connection refused"))

    assert "ai-router: connection refused" in str(error)


async def test_a_budget_that_is_used_up_is_never_the_default():
    error = await failure(router(f"{DEFAULT}, budget: {{calls: 2}}"), *[calls(("get_body", {}))] * 5)

    assert error.as_value("f")["type"] == "BudgetExceeded"
    assert len(error.recovery("f").vars["ai"]["history"]) == 5


async def test_calls_of_tools_count():
    text = router(f"{DEFAULT}, budget: {{toolCalls: {{get_body: 1}}}}")

    error = await failure(text, *[calls(("get_body", {}))] * 2)

    assert error.recovery("f").vars["ai"]["budget"]["limit"] == "toolCalls.get_body"


async def test_the_budget_covers_the_route_that_runs():
    inner = "{name: ask, description: D., process: [{type: ai-prompt, connector: llm, prompt: P.}]}"

    error = await failure(router(", budget: {calls: 1}", inner), select("ask"), "an answer")

    assert error.as_value("f")["type"] == "BudgetExceeded"


async def test_an_error_of_the_route_is_the_error_of_the_block():
    inner = "{name: fail, description: D., process: [{type: ai-prompt, connector: llm, prompt: P.}]}"

    error = await failure(router(DEFAULT, inner), select("fail"), Reply("No.", stop="refusal"))

    assert error.as_value("f")["code"] == codes.REFUSED


@pytest.mark.parametrize("document", injections.ALL)
async def test_what_the_model_sees_of_the_message_is_inside_of_the_marks_and_without_secrets(document):
    mask(SECRET)
    looks = calls(("get_body", {}), ("list_variables", {}), ("get_variable", {"name": "doc"}))
    variables = {"doc": {"text": document, "token": SECRET}, document: 1}

    _, model = await routed(router(), looks, select("billing"), body=[document, SECRET], vars=variables)

    ask = model.asks[1]
    assert injections.MARK in str(ask.turns)
    assert injections.MARK not in injections.instructions(ask)
    assert SECRET not in str(ask)
    assert MASKED in str(ask)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (router(routes=f"{BILLING}, {BILLING}"), "two routes have the name `billing`"),
        (router(routes="{name: __guardrail__, description: D., process: []}"), "no route may have the name"),
        (router(routes="{name: a, process: []}"), "description"),
        (router(routes=""), "routes"),
        (router(", budget: {call: 1}"), "call"),
    ],
)
async def test_a_mistake_in_the_settings_is_found_when_the_flow_is_built(text, said):
    with pytest.raises(ConfigError, match=said):
        async with running(text, components=components()):
            pass
