"""Servers that speak Chat Completions in their own way: what they leave out, repeat or number differently."""

from __future__ import annotations

import json
from typing import Any

import pytest

from octo.ai.conversation import Ask, Results, Tool, ToolResult, Usage, User
from octo.core.errors import Overloaded, Permanent, Transient
from tests.ai.conftest import OLLAMA, OPENAI, OPENROUTER
from tests.ai.standins.server import Call, Fails, Raw, Says

LOOKUP = Tool("lookup", "Find an order.", {"type": "object", "properties": {"id": {"type": "string"}}})
ASK = Ask("Be brief.", (User("Hi"),), (LOOKUP,))
ENVELOPE = {"id": "x", "created": 1, "model": "m"}
A, B = '{"id":"A"}', '{"id":"B"}'


@pytest.fixture(params=[OPENAI, OLLAMA], ids=str)
def provider(request):
    return request.param


async def ignore(piece):
    """Hears, and does nothing with it."""


def whole(message: object, finish: str | None = "stop", **more: object) -> Raw:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    answer = {**ENVELOPE, "object": "chat.completion", "choices": [choice], "usage": usage, **more}
    return Raw(json.dumps(answer).encode())


def stream(*deltas: object, finish: str = "stop", **more: object) -> Raw:
    """more: what each event has beside its choice."""
    choices: list[Any] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    envelope = {**ENVELOPE, "object": "chat.completion.chunk", "provider": "p", **more}
    events = [f"data: {json.dumps({**envelope, 'choices': [each]})}\n\n" for each in choices]
    return Raw("".join([*events, "data: [DONE]\n\n"]).encode(), content_type="text/event-stream")


def call(arguments: object, id: object = "c1", name: object = "lookup", **more: object) -> dict[str, object]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


async def replied(provider, standin, answer, ear=None, ask=ASK):
    standin.script = [answer]
    async with provider.over(standin) as model:
        return await model.ask(ask, ear)


@pytest.mark.parametrize(
    ("written", "arguments"),
    [
        (call({"id": "A"}), {"id": "A"}),
        (call(None), {}),
        (call(A, id=None), {"id": "A"}),
        (call(A, id=""), {"id": "A"}),
        ({"function": {"name": "lookup", "arguments": A}}, {"id": "A"}),
    ],
    ids=["an-object", "null", "no-id", "empty-id", "no-type"],
)
async def test_a_call_in_another_form(provider, standin, written, arguments):
    """Arguments that are an object already, and calls without id or type, are calls."""
    reply = await replied(provider, standin, whole({"content": None, "tool_calls": [written]}, "tool_calls"))

    assert [(each.name, each.arguments) for each in reply.calls] == [("lookup", arguments)]
    assert reply.calls[0].id


@pytest.mark.parametrize("content", ["<think>\nHmm.\n</think>\n\n{}", "Hmm.\n</think>\n\n{}"])
async def test_thoughts_in_the_text(provider, standin, content):
    """They are told from the answer, also where the server has written their beginning into its prompt."""
    reply = await replied(provider, standin, whole({"content": content}))

    assert (reply.text.strip(), reply.thinking.strip()) == ("{}", "Hmm.")


@pytest.mark.parametrize("gone", ["id", "created", "object", "usage"])
@pytest.mark.parametrize("null", [False, True])
async def test_a_field_that_is_not_there(provider, standin, gone, null):
    """What an answer may do without is not asked for."""
    answer = json.loads(whole({"content": "hello"}).body)
    if null:
        answer[gone] = None
    else:
        del answer[gone]

    reply = await replied(provider, standin, Raw(json.dumps(answer).encode()))

    assert (reply.text, reply.stop) == ("hello", "end_turn")
    assert reply.usage.input_tokens > 0


@pytest.mark.parametrize(
    ("usage", "expected"),
    [({"prompt_tokens": 30, "total_tokens": 37}, Usage(30, 7)), ({"completion_tokens": 4}, Usage(23, 2))],
    ids=["the-rest", "unknown"],
)
async def test_half_a_usage(provider, standin, usage, expected):
    """What can be told from the rest of the usage is; else all of it is estimated."""
    reply = await replied(provider, standin, whole({"content": "hello"}, usage=usage))

    assert reply.usage._replace(money=None) == expected


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        ({"message": "no room", "code": 429}, Overloaded, "429: no room"),
        ({"message": "went wrong", "code": "server_error"}, Transient, "went wrong"),
        ("went wrong", Transient, "went wrong"),
    ],
    ids=["status", "word", "text"],
)
async def test_an_error_in_an_answer(provider, standin, error, kind, text):
    """An error that comes with the status 200 is told in its own words."""
    with pytest.raises(kind, match=text):
        await replied(provider, standin, Raw(json.dumps({"error": error, "choices": None}).encode()))


@pytest.mark.parametrize(
    "parts",
    [
        [call(A, "c1"), call(B, "c2")],
        [call(A, ""), call(B, "")],
        [call(A, None), call(B, None)],
        [call("", "c1"), call(A, None, None), call("", "c2"), call(B, None, None)],
        [call("{}", "c1"), call(A, None, None), call("{}", "c2"), call(B, None, None)],
        [call("", "c1"), call('{"id":', "c1"), call('"A"}', "c1"), call("", "c2"), call(B, "c2")],
    ],
    ids=["ids", "empty-ids", "no-ids", "parts", "empty-first", "names-repeated"],
)
@pytest.mark.parametrize("provider", [OPENAI, OLLAMA, OPENROUTER], ids=str)
async def test_calls_with_one_number(provider, standin, parts):
    """Calls of a stream that all have the number 0 are several calls, and a name that is repeated is one name."""
    reply = await replied(
        provider, standin, stream(*({"tool_calls": [{**each, "index": 0}]} for each in parts)), ignore
    )

    assert [(each.name, each.arguments) for each in reply.calls] == [("lookup", {"id": "A"}), ("lookup", {"id": "B"})]
    assert len({each.id for each in reply.calls}) == 2


@pytest.mark.parametrize("id", ["c1", ""])
async def test_calls_with_one_number_and_no_arguments(provider, standin, id):
    """Nothing but an empty object stays one."""
    parts = [call("{}", id), call("{}", id and "c2")]
    answer = stream(*({"tool_calls": [{**each, "index": 0}]} for each in parts))

    reply = await replied(provider, standin, answer, ignore)

    assert [(each.name, each.arguments) for each in reply.calls] == [("lookup", {}), ("lookup", {})]


@pytest.mark.parametrize("ear", [None, ignore], ids=["whole", "stream"])
async def test_thoughts_that_only_the_total_has(provider, standin, ear):
    """Tokens of thoughts that a server leaves out of those of the answer are counted: they are paid."""
    usage = {"prompt_tokens": 100, "completion_tokens": 4, "total_tokens": 204}
    answer = whole({"content": "a"}, usage=usage) if ear is None else stream({"content": "a"}, usage=usage)

    assert (await replied(provider, standin, answer, ear)).usage._replace(money=None) == Usage(100, 104)


@pytest.mark.parametrize("provider", [OPENAI, OLLAMA, OPENROUTER], ids=str)
async def test_a_usage_in_each_event(provider, standin):
    """A usage that is told again and again is what there was so far, and is not added up."""
    usage = {"prompt_tokens": 100, "completion_tokens": 4, "total_tokens": 104}

    reply = await replied(provider, standin, stream({"content": "a"}, {"content": "b"}, usage=usage), ignore)

    assert reply.usage._replace(money=None) == Usage(100, 4)


@pytest.mark.parametrize(
    ("word", "stop"),
    [
        ("MAX_TOKENS", "max_tokens"),
        ("model_length", "max_tokens"),
        ("sensitive", "content_filter"),
        ("eos", "end_turn"),
        ("stop", "end_turn"),
    ],
)
@pytest.mark.parametrize("ear", [None, ignore], ids=["whole", "stream"])
async def test_other_words_for_the_end(provider, standin, ear, word, stop):
    """An answer that is cut off is not taken for a whole one because its server has another word for that."""
    answer = whole({"content": "a"}, word) if ear is None else stream({"content": "a"}, finish=word)

    assert (await replied(provider, standin, answer, ear)).stop == stop


@pytest.mark.parametrize("word", ["error", "abort", "insufficient_system_resource"])
@pytest.mark.parametrize("ear", [None, ignore], ids=["whole", "stream"])
async def test_an_answer_that_its_server_gave_up(provider, standin, ear, word):
    """What the server did not write to its end is no answer."""
    answer = whole({"content": "a"}, word) if ear is None else stream({"content": "a"}, finish=word)

    with pytest.raises(Transient, match="cut off before its end"):
        await replied(provider, standin, answer, ear)


@pytest.mark.parametrize("ear", [None, ignore], ids=["whole", "stream"])
async def test_half_a_character(provider, standin, ear):
    """A character that arrives in halves is one, and one without its other half can be sent again."""
    texts = ["a \ud83d", "\ude00 b", "\ude00"]
    heard = []

    async def hear(piece):
        heard.append(piece.text)

    answer = whole({"content": "".join(texts)}) if ear is None else stream(*({"content": each} for each in texts))

    async with provider.over(standin) as model:
        standin.script = [answer]
        reply = await model.ask(ASK, ear and hear)
        await model.ask(ASK._replace(turns=(*ASK.turns, reply.turn, User("Go on"))))

    assert reply.text == "a 😀 b\ufffd"
    assert ear is None or "".join(heard) == reply.text


@pytest.mark.parametrize("ear", [None, ignore], ids=["whole", "stream"])
async def test_thoughts_before_a_call(provider, standin, ear):
    """They go back with the call that they led to, as DeepSeek demands, and else nowhere."""
    field = "reasoning_content" if provider is OPENAI else "reasoning"
    standin.script = [Says("", (Call("lookup", A),), thinking="Hmm."), Says("done", thinking="So."), Says("bye")]

    async with provider.over(standin) as model:
        first = await model.ask(ASK, ear)
        turns = (*ASK.turns, first.turn, Results((ToolResult(first.calls[0].id, "lookup", "sent"),)))
        second = await model.ask(ASK._replace(turns=turns), ear)
        await model.ask(ASK._replace(turns=(*turns, second.turn, User("Thanks"))), ear)

    sent = [each for each in standin.requests[2].body["messages"] if each["role"] == "assistant"]
    assert [each.get(field) for each in sent] == ["Hmm.", None]
    assert standin.refused == []


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("text", ["This response_format type is unavailable now", "json_schema is not supported"])
async def test_a_server_that_enforces_no_schema(provider, standin, status, text):
    """It is asked without one, from the first time on that it says so: the prompt has it, too."""
    ask = ASK._replace(tools=(), schema={"type": "object", "properties": {"a": {"type": "string"}}})
    standin.script = [Fails(status, text), Says("{}"), Says("{}")]

    async with provider.over(standin) as model:
        await model.ask(ask)
        await model.ask(ask)

    assert ["response_format" in each.body for each in standin.requests] == [True, False, False]


async def test_a_schema_that_is_wrong(provider, standin):
    """What a server says of a schema that it does not take stays an error: it is the author's."""
    standin.script = [Fails(400, "Invalid schema for response_format 'answer': 'x' is no type")]
    ask = ASK._replace(tools=(), schema={"type": "object", "properties": {"a": {"type": "string"}}})

    with pytest.raises(Permanent, match="Invalid schema"):
        async with provider.over(standin) as model:
            await model.ask(ask)


def vectors(*found: object, **more: object) -> Raw:
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in found]  # type: ignore[misc]
    usage = {"prompt_tokens": 2, "total_tokens": 2}
    return Raw(json.dumps({"object": "list", "data": data, "model": "m", "usage": usage, **more}).encode())


async def made(provider, standin, answer):
    standin.script = [answer]
    async with provider.over(standin) as model:
        return await model.embed(["a" * 40, "b" * 40], "small")


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(0, 1, ((1.0,), (2.0,))), (1, 0, ((2.0,), (1.0,))), (0, 0, ((1.0,), (2.0,))), (None, None, ((1.0,), (2.0,)))],
)
async def test_vectors_in_another_order(provider, standin, first, last, expected):
    """Each text gets the vector that the server says is its own; one that does not say it sends them in order."""
    found = await made(provider, standin, vectors((first, [1.0]), (last, [2.0])))

    assert found.vectors == expected


@pytest.mark.parametrize("vector", [None, [], [None], [float("nan")], [float("inf")]])
async def test_what_is_no_vector(provider, standin, vector):
    """What one cannot compute with is no answer."""
    with pytest.raises(Transient, match="not what the API promises"):
        await made(provider, standin, vectors((0, [1.0]), (1, vector)))


async def test_vectors_of_a_server_that_does_not_count(provider, standin):
    """What they have cost is estimated: no budget may be passed unseen."""
    found = await made(provider, standin, vectors((0, [1.0]), (1, [1.0]), usage=None))

    assert found.usage._replace(money=None) == Usage(20)
