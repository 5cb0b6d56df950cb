"""A model that replies as its script says, by turn and by what it is asked."""

from __future__ import annotations

import asyncio

import pytest

from octo.ai.conversation import Ask, Reply, Results, Tool, ToolCall, ToolResult, Usage, User
from octo.ai.script.settings import Script
from octo.ai.script.wire import ScriptedWire
from octo.core.errors import NotConnected, Overloaded, Permanent, Timeout, Transient
from octo.testing.clock import virtual

LOOKUP = Tool("lookup", "Find an order.", {"type": "object", "properties": {"id": {"type": "integer"}}})


def wire(*replies: dict, **settings: object) -> ScriptedWire:
    return ScriptedWire(Script.model_validate({"replies": replies, **settings}), "small", 100)


def asking(text: str = "hello", *turns, system: str = "Be kind.", tools=(LOOKUP,)) -> Ask:
    return Ask(system, (User(text), *turns), tools)


def after(reply: Reply, content: str = '{"total": 3}') -> Ask:
    """The request that follows when the tools were called."""
    return asking("hello", reply.turn, Results(tuple(ToolResult(c.id, c.name, content) for c in reply.calls)))


async def fails(model: ScriptedWire, ask: Ask, hear=None) -> Exception:
    with pytest.raises((Permanent, Transient)) as caught:
        await model.send(ask, hear)
    return caught.value


@virtual()
async def test_replies_are_given_in_their_order():
    """First a call of a tool, then the answer, each once."""
    model = wire({"calls": [{"tool": "lookup", "arguments": {"id": 7}}]}, {"json": {"total": 3}})

    first = await model.send(asking(), None)
    second = await model.send(after(first), None)

    assert (first.calls, first.stop, first.text) == ((ToolCall("call-1", "lookup", {"id": 7}),), "tool_use", "")
    assert (second.text, second.stop, second.model) == ('{"total":3}', "end_turn", "small")
    assert model.complaints() == []


@virtual()
async def test_the_first_reply_whose_condition_is_true_is_given_however_often():
    model = wire(
        {"when": 'request.text.contains("refund")', "text": "money"},
        {"when": "size(request.results) > 0 && request.results[0].json.total == 3", "text": "three"},
        {"when": 'request.turn == 0 && "lookup" in request.tools', "calls": [{"tool": "lookup"}]},
    )

    first = await model.send(asking(), None)

    assert [first.calls[0].name, (await model.send(after(first), None)).text] == ["lookup", "three"]
    assert [(await model.send(asking("a refund"), None)).text for _ in range(2)] == ["money", "money"]
    assert model.complaints() == []


@virtual()
async def test_conditions_see_the_whole_request():
    ask = asking()._replace(choice="any", only="lookup", max_tokens=5, schema={"type": "string"})
    model = wire(
        {
            "that": [
                'request.system == "Be kind."',
                'request.messages == [{"role": "user", "text": "hello"}]',
                'request.tools.lookup.description == "Find an order."',
                'request.tools.lookup.input.type == "object"',
                'request.choice == "any" && request.only == "lookup" && request.maxTokens == 5',
                'request.schema.type == "string" && request.model == "small"',
                "request.results == []",
            ],
            "text": "yes",
        }
    )

    assert (await model.send(ask, None)).text == "yes"


@virtual()
async def test_a_request_that_is_not_as_wanted_fails_and_is_complained_of():
    model = wire({"that": ['request.system.contains("polite")'], "text": "no"})

    error = await fails(model, asking())

    text = 'reply 1 ("no") wants `request.system.contains("polite")`, which is false; request.system is "Be kind."'
    assert (error.code, str(error), model.complaints()) == ("OCTO-Y112", text, [text])


@virtual()
async def test_a_condition_that_cannot_be_evaluated_does_not_hold():
    """A condition on results is asked before there are any."""
    model = wire({"when": "request.results[0].isError", "text": "oh"}, {"that": ["request.results[0].isError"]})

    error = await fails(model, asking())

    assert "which cannot be evaluated: " in str(error)
    assert str(error).endswith("; request.results is []")
    assert "reply 1" in str(await fails(wire({"when": "request.results[0].isError", "text": "oh"}), asking()))


@virtual()
async def test_a_script_that_has_ended_says_so():
    model = wire({"text": "one"})
    await model.send(asking(), None)

    error = await fails(model, asking("and then?"))

    text = 'the script has no reply left for request 2 ("and then?", turn 0 of its conversation): all 1 were given'
    assert (error.code, str(error), model.complaints()) == ("OCTO-Y111", text, [text])


@virtual()
async def test_no_reply_that_fits_names_the_next_one_and_its_condition():
    model = wire({"text": "one"}, {"when": "request.turn == 1", "text": "two"})
    await model.send(asking(), None)

    assert 'reply 2 ("two") wants `request.turn == 1`' in str(await fails(model, asking()))
    assert "the script has no `replies`" in str(await fails(wire(), asking()))


@virtual()
async def test_replies_that_nobody_asked_for_are_complained_of():
    model = wire({"text": "one"}, {"text": "two", "times": 2}, {"when": "true", "text": "perhaps"})
    assert model.complaints() == []  # never asked: whether it must be is for the test to say

    for _ in range(2):
        await model.send(asking(), None)

    assert model.complaints() == ['reply 2 ("two") was not asked for']


@virtual()
async def test_a_script_that_repeats_begins_again():
    model = wire({"text": "one"}, {"text": "two"}, repeat=True)

    assert [(await model.send(asking(), None)).text for _ in range(5)] == ["one", "two", "one", "two", "one"]
    assert model.complaints() == []


@virtual()
@pytest.mark.parametrize(
    ("error", "kind", "status", "code"),
    [
        ("connect", NotConnected, None, "OCTO-L122"),
        ("timeout", Timeout, None, "OCTO-R121"),
        ("broken", Transient, None, "OCTO-L122"),
        ({"status": 401}, Permanent, 401, "OCTO-L120"),
        ({"status": 400, "message": "too long"}, Permanent, 400, "OCTO-L124"),
        ({"status": 500}, Transient, 500, "OCTO-L122"),
        ({"status": 429, "retryAfter": "7s"}, Overloaded, 429, "OCTO-L121"),
        ({"status": 529}, Overloaded, 529, "OCTO-L121"),
    ],
)
async def test_a_model_fails_as_its_provider_would(error, kind, status, code):
    found = await fails(wire({"error": error}), asking())

    assert (type(found), found.status, found.code) == (kind, status, code)
    if kind is Overloaded:
        assert found.retry_after == (7.0 if status == 429 else 0.0)


@virtual()
async def test_a_reply_is_streamed_word_by_word_or_in_so_many_pieces():
    heard = []

    async def hear(piece):
        heard.append((piece.kind, piece.text, piece.tool))

    model = wire(
        {"thinking": "so so", "text": "good  day to you"},
        {"text": "abcdef", "chunks": 2, "calls": [{"tool": "lookup", "arguments": {"id": 7}}]},
    )
    await model.send(asking(), hear)
    await model.send(asking(), hear)

    assert heard == [
        ("thinking", "so ", ""),
        ("thinking", "so", ""),
        ("text", "good  ", ""),
        ("text", "day ", ""),
        ("text", "to ", ""),
        ("text", "you", ""),
        ("text", "abc", ""),
        ("text", "def", ""),
        ("tool_input", '{"id"', "lookup"),
        ("tool_input", ": 7}", "lookup"),
    ]


@virtual()
async def test_a_stream_breaks_after_its_text():
    heard = []

    async def hear(piece):
        heard.append(piece.text)

    await fails(wire({"text": "half a", "error": "broken"}), asking(), hear)

    assert heard == ["half ", "a"]


@virtual()
async def test_a_delay_passes_before_the_reply():
    await wire({"text": "late", "delay": "3s"}).send(asking(), None)

    assert asyncio.get_running_loop().time() == pytest.approx(3)


@virtual()
async def test_all_ways_to_stop_bad_arguments_and_costs_can_be_scripted():
    model = wire(
        {"stop": "refusal", "text": "I cannot"},
        {"stop": "max_tokens", "text": "so lo"},
        {"calls": [{"tool": "lookup", "raw": '{"id": ', "id": "c9"}]},
        {"text": "1234", "usage": {"inputTokens": 10, "outputTokens": 2, "cachedTokens": 4}},
        {"text": "12345"},
    )
    replies = [await model.send(asking(), None) for _ in range(5)]

    assert [each.stop for each in replies[:2]] == ["refusal", "max_tokens"]
    assert replies[2].calls == (ToolCall("c9", "lookup", None, '{"id": '),)
    assert replies[3].usage == Usage(10, 2, 4)
    assert (replies[4].usage.output_tokens, replies[4].usage.input_tokens > 10) == (2, True)


@virtual()
async def test_texts_get_vectors_of_their_words():
    model = wire(dimensions=32)

    same, other = (await model.embed(["a refund", "the weather"], "v", None)).vectors
    again = (await model.embed(["a refund"], "v", 16)).vectors[0]

    assert (len(same), len(again), same == other) == (32, 16, False)


@virtual()
async def test_vectors_can_be_given():
    model = wire(embeddings={"a refund": [1, 0]})

    assert (await model.embed(["a refund"], "v", None)).vectors == ([1, 0],)
    with pytest.raises(Permanent, match='no vector for "refund"; the nearest is "a refund"'):
        await model.embed(["refund"], "v", None)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ({"text": "a", "json": 1}, "write `text` or `json`"),
        ({"error": "timeout", "calls": [{"tool": "a"}]}, "remove `calls`"),
        ({"error": "timeout", "json": 1}, "remove `json`"),
        ({"error": "timeout", "text": "a"}, "remove `text`"),
        ({"calls": [{"tool": "a", "raw": "x", "arguments": {"b": 1}}]}, "`arguments` or `raw`"),
        ({"stop": "tired"}, "stop"),
        ({"when": "request.("}, "when"),
    ],
)
def test_a_reply_that_contradicts_itself_is_refused(reply, problem):
    with pytest.raises(ValueError) as caught:
        wire(reply)

    assert problem in str(caught.value)


@virtual()
async def test_null_is_a_reply():
    assert (await wire({"json": None}).send(asking(), None)).text == "null"
