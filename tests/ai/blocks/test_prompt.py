"""ai-prompt asks a model one thing: what it sends, what it takes for an answer, and what it fails with."""

from __future__ import annotations

import base64

import pytest

from octo import Permanent
from octo.ai import codes
from octo.ai.blocks.prompt import ai_prompt
from octo.ai.conversation import Assistant, Attachment, Reply, User
from octo.core.errors import ConfigError
from octo.core.flow import Failure
from octo.core.partial import receiving
from octo.core.secrets import MASKED, mask
from octo.testing.clock import virtual
from octo.testing.harness import running
from tests.ai import injections
from tests.ai.fakes import HANGS, calls, components, flow

SECRET = "k-93-prompt-canary-51"

PLAIN = flow("{type: ai-prompt, connector: llm, prompt: Summarise it.}")
SCHEMA = "{type: object, required: [topic], properties: {topic: {type: string}}, additionalProperties: false}"
TYPED = flow(f"{{type: ai-prompt, connector: llm, prompt: Find the topic., outputSchema: {SCHEMA}}}")


def prompt(more: str) -> str:
    return flow(f"{{type: ai-prompt, connector: llm, prompt: Do it., {more}}}")


async def asked(text, body, *script, **given):
    """The outcome of the flow, and the model with what it was asked."""
    async with running(text, components=components(ai_prompt), **given) as app:
        model = app.connector("llm").says(*script)
        return await app.call("f", body), model


async def failure(text, *script, body=None):
    async with running(text, components=components(ai_prompt)) as app:
        app.connector("llm").says(*script)
        with pytest.raises(Failure) as found:
            await app.call("f", body)
        return found.value


async def test_the_answer_becomes_the_body_as_it_is():
    message, model = await asked(PLAIN, "A long mail.", "42")

    assert message.body == "42"
    assert message.vars["ai"] == {
        "model": "tiny-1",
        "stopReason": "end_turn",
        "usage": {"calls": 1, "inputTokens": 10, "outputTokens": 5, "money": 0.01},
        "attempts": 1,
    }
    [ask] = model.asks
    assert ask.system.startswith("Summarise it.\n\n")
    assert "A long mail." in ask.turns[0].text
    assert ask.schema is None
    assert ask.max_tokens is None


async def test_the_answer_may_go_into_a_variable_and_the_details_into_another_one():
    message, _ = await asked(prompt("as: summary, detailsVar: why, input: body.text"), {"text": "x"}, "short")

    assert message.body == {"text": "x"}
    assert message.vars["summary"] == "short"
    assert message.vars["why"]["model"] == "tiny-1"


async def test_an_answer_of_json_is_a_value():
    reply = '```json\n{"n": 12345678901234567890123}\n```'

    message, model = await asked(prompt("answer: json, maxTokens: 7"), None, reply)

    assert message.body == {"n": 12345678901234567890123}
    assert model.asks[0].max_tokens == 7
    assert "Answer with one JSON value alone" in model.asks[0].system


async def test_a_schema_is_sent_and_kept_and_its_faults_are_told_to_the_model():
    message, model = await asked(TYPED, "text", '{"topic": 7}', '{"topic": "bees"}')

    assert message.body == {"topic": "bees"}
    assert message.vars["ai"]["attempts"] == 2
    first, second = model.asks
    assert first.schema["required"] == ["topic"]
    assert '"required":["topic"]' in first.system
    assert second.turns[:2] == (*first.turns, Assistant('{"topic": 7}'))
    assert "/topic: must be a text, not a number" in second.turns[2].text


@pytest.mark.parametrize(
    ("reply", "code", "said"),
    [
        (Reply("Never.", stop="refusal"), codes.REFUSED, "ai-prompt: model refused: Never."),
        (Reply('{"topic"', stop="max_tokens"), codes.TRUNCATED, "ai-prompt: response was cut off"),
        (Reply("", stop="content_filter"), codes.FILTERED, "ai-prompt: the provider's filter"),
    ],
)
async def test_an_answer_that_is_not_whole_is_an_error_of_its_own_and_not_asked_for_again(reply, code, said):
    error = await failure(TYPED, reply)

    assert said in str(error)
    assert error.as_value("f")["code"] == code
    told = error.recovery("f").vars["ai"]
    assert told["text"] == reply.text
    assert told["stopReason"] == reply.stop
    assert told["usage"]["calls"] == 1


@pytest.mark.parametrize(
    ("reply", "code", "said"),
    [
        ("Of course!", codes.NOT_JSON, "ai-prompt: response is not valid JSON"),
        ("[]", codes.MISFIT, "ai-prompt: output failed schema validation: the value: must be an object"),
        (calls(("tool", {}), text="x"), codes.NOT_JSON, "not valid JSON"),
    ],
)
async def test_after_the_last_repair_the_error_has_the_answer_and_what_all_have_cost(reply, code, said):
    error = await failure(TYPED, reply, reply)

    assert said in str(error)
    assert error.as_value("f")["code"] == code
    told = error.recovery("f").vars["ai"]
    assert told["attempts"] == 2
    assert told["usage"] == {"calls": 2, "inputTokens": 20, "outputTokens": 10, "money": 0.02}


async def test_no_repair_is_tried_beyond_the_budget():
    error = await failure(prompt("answer: json, repairs: 3, budget: {calls: 2}"), "a", "b", "c", "d")

    assert error.as_value("f")["type"] == "BudgetExceeded"
    told = error.recovery("f").vars["ai"]
    assert told["budget"] == {"of": 'block "ai-prompt"', "limit": "calls", "allowed": 2, "spent": 2}
    assert [each["role"] for each in told["history"]] == ["user", "assistant", "user", "assistant", "user"]


@virtual()
async def test_the_time_of_a_budget_ends_a_call_that_is_under_way():
    error = await failure(prompt("budget: {seconds: 5}"), HANGS)

    assert error.as_value("f")["type"] == "BudgetExceeded"
    assert error.recovery("f").vars["ai"]["budget"]["limit"] == "seconds"
    assert [each["role"] for each in error.recovery("f").vars["ai"]["history"]] == ["user"]


async def test_the_error_of_the_provider_is_the_error_of_the_block():
    error = await failure(PLAIN, Permanent("401", code=codes.NO_LOGIN, status=401))

    assert "ai-prompt: 401" in str(error)
    assert error.as_value("f")["code"] == codes.NO_LOGIN
    assert error.as_value("f")["status"] == 401


@pytest.mark.parametrize(("text", "script", "pieces"), [(PLAIN, ["one two"], 2), (TYPED, ["no", '{"topic": "x"}'], 0)])
async def test_a_text_is_streamed_to_who_takes_it_and_json_is_not_because_it_may_be_taken_back(text, script, pieces):
    seen: list[object] = []

    async def take(value: object) -> None:
        seen.append(value)

    async with running(text, components=components(ai_prompt)) as app:
        app.connector("llm").says(*script)
        with receiving(take):
            await app.call("f")

    assert seen == [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}][:pieces]


async def test_a_stop_in_the_events_ends_the_block_and_the_answer():
    """As when the browser that the words go to has gone."""
    text = prompt("events: [{type: validate, rules: [{expr: 'body.text != \"two\"'}]}]")

    outcome, model = await asked(text, "x", "one two three")

    assert outcome.body["error"] == "validation_failed"
    assert model.heard == ["one", "two"]


@pytest.mark.parametrize("document", injections.ALL)
async def test_what_comes_from_outside_is_inside_of_the_marks(document):
    _, model = await asked(PLAIN, {"mail": document}, "fine")
    _, other = await asked(PLAIN, document, "fine")

    for ask in (*model.asks, *other.asks):
        assert injections.MARK not in injections.instructions(ask)


async def test_a_secret_is_not_sent_unless_the_flow_names_it():
    mask(SECRET)
    text = f"env: [{{name: KEY, default: {SECRET}}}]\n" + flow(
        "{type: ai-prompt, connector: llm, prompt: A., as: a}",
        "{type: ai-prompt, connector: llm, prompt: B., as: b, input: '{\"x\": body.note}'}",
        "{type: ai-prompt, connector: llm, prompt: C., as: c, input: env.KEY}",
    )

    _, model = await asked(text, {"note": f"it is {SECRET}"}, "1", "2", "3")

    whole, part, named = (each.turns[0].text for each in model.asks)
    assert MASKED in whole
    assert MASKED in part
    assert SECRET not in whole + part
    assert SECRET in named


@pytest.mark.parametrize("name", injections.FILE_NAMES)
async def test_files_go_along_under_names_of_our_own(name):
    files = [
        {"mimeType": "application/pdf", "data": base64.b64encode(b"%PDF").decode(), "name": name},
        {"mimeType": "", "data": "data:image/png;base64,iVBO", "name": ""},
        {"data": "data:,a%20b"},
        {"contentType": "text/csv; charset=utf-8", "rawData": "ä;b"},
    ]

    _, model = await asked(prompt("attachments: body, input: '\"\"'"), files, "seen")

    [turn] = model.asks[0].turns
    assert isinstance(turn, User)
    assert turn.attachments == (
        Attachment("application/pdf", b"%PDF", "file-1.pdf"),
        Attachment("image/png", base64.b64decode("iVBO"), "file-2.png"),
        Attachment("text/plain", b"a b", "file-3.txt"),
        Attachment("text/csv", "ä;b".encode(), "file-4.csv"),
    )
    assert injections.MARK in turn.text
    assert injections.MARK not in injections.instructions(model.asks[0])


async def test_a_file_that_is_none_is_an_error_that_says_which():
    error = await failure(prompt("attachments: body"), body=[{"mimeType": "a/b", "data": "%%%"}])

    assert "ai-prompt: attachments: file 1: `data` is neither base64 nor a data URL" in str(error)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("budget: {tokns: 5}", "tokns"),
        ("budget: {}", "a budget without a limit"),
        ("budget: {calls: -1}", "calls"),
        ("budget: {toolCalls: {search: x}}", "`search`: expected a whole number"),
        ("outputSchema: {type: objekt}", "no JSON type"),
        ("answer: text, outputSchema: {type: object}", "an `outputSchema` is for `answer: json`"),
        ("repairs: -1", "repairs"),
        ("answer: json, events: [{type: log}]", "`events` are for a text"),
        ("events: [{type: log, message: body.}]", "message"),
        ("input: 'body.'", "input"),
        ("temperatur: 1", "temperatur"),
    ],
)
async def test_a_mistake_in_the_settings_is_found_when_the_flow_is_built(more, said):
    with pytest.raises(ConfigError, match=said):
        async with running(prompt(more), components=components(ai_prompt)):
            pass


async def test_a_field_that_the_schema_of_the_answer_does_not_have_is_found_when_the_flow_is_built():
    text = f"""
connectors: [{{name: llm, type: fake-llm}}]
flows:
  - name: f
    input: {{type: object, properties: {{text: {{type: string}}}}, additionalProperties: false}}
    process:
      - {{type: ai-prompt, connector: llm, prompt: P., input: body.text, outputSchema: {SCHEMA}}}
      - {{type: set-payload, value: body.topik}}
"""
    with pytest.raises(ConfigError, match="topik"):
        async with running(text, components=components(ai_prompt)):
            pass
