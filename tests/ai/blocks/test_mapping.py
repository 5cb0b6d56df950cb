"""ai-mapping lets a model turn one JSON value into another, and takes nothing but JSON that fits."""

from __future__ import annotations

import pytest

from octo.ai import codes
from octo.ai.blocks.mapping import ai_mapping
from octo.ai.conversation import Reply
from octo.core.errors import ConfigError, Transient
from octo.core.flow import Failure
from octo.core.secrets import mask
from octo.testing.harness import running
from tests.ai import injections
from tests.ai.fakes import components, flow

SECRET = "k-93-mapping-canary-51"
WHOLE = """, inputExample: {nr: 1}, outputExample: '{"id": 1}', outputSchema: {type: object, required: [id]}"""


def mapping(more: str = "") -> str:
    return flow(f"{{type: ai-mapping, connector: llm, prompt: 'Ours, please.'{more}}}")


async def mapped(text, body, *script):
    async with running(text, components=components(ai_mapping)) as app:
        model = app.connector("llm").says(*script)
        return await app.call("f", body), model


async def failure(text, *script):
    async with running(text, components=components(ai_mapping)) as app:
        app.connector("llm").says(*script)
        with pytest.raises(Failure) as found:
            await app.call("f", {"a": 1})
        return found.value


async def test_the_body_becomes_what_the_model_makes_of_it():
    message, model = await mapped(mapping(f"{WHOLE}, maxTokens: 9"), {"nr": "17"}, '{"id": 17}')

    assert message.body == {"id": 17}
    assert message.vars["ai"]["usage"]["calls"] == 1
    [ask] = model.asks
    assert ask.system.startswith("You transform JSON into JSON.")
    assert 'Ours, please.\n\nExample input:\n{"nr":1}\n\nExample output:\n{"id":1}\n\n' in ask.system
    assert '{"type":"object","required":["id"]}' in ask.system
    assert ask.schema == {"type": "object", "required": ["id"]}
    assert ask.max_tokens == 9
    assert '{"nr":"17"}' in ask.turns[0].text


async def test_fenced_json_is_parsed():
    message, _ = await mapped(mapping(), "a text", "```json\n[1, 2]\n```")

    assert message.body == [1, 2]


async def test_prose_is_an_error_after_the_model_was_told():
    error = await failure(mapping(", repairs: 2"), "Here you are", "Sorry!", "I mean it.")

    assert "ai-mapping: response is not valid JSON: " in str(error)
    assert error.as_value("f")["code"] == codes.NOT_JSON
    assert error.recovery("f").vars["ai"]["text"] == "I mean it."


async def test_prose_is_an_error_at_once_without_repairs():
    error = await failure(mapping(", repairs: 0"), "Here you are")

    assert error.recovery("f").vars["ai"]["attempts"] == 1


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("[]", codes.MISFIT),
        (Reply("{}", stop="max_tokens"), codes.TRUNCATED),
        (Reply("No.", stop="refusal"), codes.REFUSED),
        (Reply("", stop="content_filter"), codes.FILTERED),
    ],
)
async def test_a_refusal_a_cut_a_filter_and_a_misfit_are_told_apart(reply, code):
    error = await failure(mapping(", repairs: 0, outputSchema: {type: object}"), reply)

    assert error.as_value("f")["code"] == code


async def test_the_error_of_the_model_is_the_error_of_the_block():
    error = await failure(mapping(), Transient("no answer", status=500))

    assert "ai-mapping: no answer" in str(error)
    assert error.as_value("f")["retryable"]


async def test_a_budget_that_is_used_up_is_a_typed_error():
    error = await failure(mapping(", budget: {tokens: 15}, repairs: 5"), *["x"] * 6)

    assert error.as_value("f")["type"] == "BudgetExceeded"


@pytest.mark.parametrize("document", injections.ALL)
async def test_the_body_is_inside_of_the_marks_and_known_secrets_are_not_in_it(document):
    mask(SECRET)

    _, model = await mapped(mapping(), {"text": document, "key": SECRET}, "{}")

    assert injections.MARK not in injections.instructions(model.asks[0])
    assert SECRET not in str(model.asks[0])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (", outputSchema: '{'", "JSON"),
        (", outputSchema: {type: objekt}", "no JSON type"),
        (", inputExample: '{'", "inputExample"),
        (", outputExample: [1], outputSchema: {type: object}", "`outputExample` does not fit `outputSchema`"),
        (", budget: {dollars: 1}", "dollars"),
    ],
)
async def test_a_mistake_in_the_settings_is_found_when_the_flow_is_built(more, said):
    with pytest.raises(ConfigError, match=said):
        async with running(mapping(more), components=components(ai_mapping)):
            pass
