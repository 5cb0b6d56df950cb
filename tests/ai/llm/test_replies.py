"""What comes of an answer, and of a stream: the same for all providers."""

from __future__ import annotations

import json

import pytest

from octo.ai.conversation import Ask, Piece, Results, Tool, ToolCall, ToolResult, Usage, User
from tests.ai.conftest import ANTHROPIC, GEMINI, OLLAMA, OPENAI, OPENROUTER, RESPONSES
from tests.ai.standins.anthropic import SIGNATURE
from tests.ai.standins.gemini import SIGNATURE as GEMINI_SIGNATURE
from tests.ai.standins.responses import SEALED
from tests.ai.standins.server import Call, Raw, Says

LOOKUP = Tool("lookup", "Find an order.", {"type": "object", "properties": {"id": {"type": "string"}}})
ASK = Ask("Be brief.", (User("Hi"),), (LOOKUP,))


class Ear(list[Piece]):
    """Hears."""

    async def __call__(self, piece: Piece) -> None:
        self.append(piece)

    def text(self, kind: str, id: str = "") -> str:
        return "".join(each.text for each in self if each.kind == kind and each.id == id)


@pytest.fixture(params=[False, True], ids=["whole", "stream"])
def ear(request):
    """Whether the answer is heard while it is written."""
    return Ear() if request.param else None


async def test_text(provider, standin, ear):
    """Text arrives as it is, whatever is in it, with what it has cost."""
    text = 'größer, 日本語, 👩‍👩‍👧, "quoted" \\ and\nlines\u2028\t'
    standin.script = [Says(text, cached_tokens=4)]

    async with provider.over(standin) as model:
        reply = await model.ask(ASK, ear)

    assert (reply.text, reply.calls, reply.stop) == (text, (), "end_turn")
    assert reply.usage._replace(money=None) == Usage(12, 5, 4)
    assert reply.model == standin.requests[0].body.get("model", "gemini-3.5-flash")
    if ear is not None:
        assert ear.text("text") == text
        assert len(ear) > 1


async def test_money(provider, standin):
    """A call has a price, if the list has the model or the author knows it."""
    standin.script = [Says("a", input_tokens=1_000_000, output_tokens=100_000, cached_tokens=500_000)] * 2

    async with provider.over(standin) as model:
        listed = (await model.ask(ASK)).usage.money
    async with provider.over(standin, prices={"input": 2, "output": 10, "cached": 1}) as model:
        own = (await model.ask(ASK)).usage.money

    assert own == pytest.approx(2.5)
    assert listed is None if provider is OLLAMA else listed > 0


async def test_a_server_that_does_not_count(provider, standin, ear):
    """What a call has cost is estimated then: no budget may be passed unseen."""
    standin.script = [Says("x" * 400, input_tokens=0, output_tokens=0)]

    async with provider.over(standin) as model:
        usage = (await model.ask(Ask("s" * 200, (User("u" * 200),)), ear)).usage

    assert usage._replace(money=None) == Usage(100, 100)


async def test_calls(provider, standin, ear):
    """Calls have their arguments as JSON, and an id of their own each."""
    standin.script = [Says("I look.", (Call("lookup", '{"id":"A"}'), Call("lookup", '{"id":"Ü"}')))]

    async with provider.over(standin) as model:
        reply = await model.ask(ASK, ear)

    assert [(each.name, each.arguments) for each in reply.calls] == [("lookup", {"id": "A"}), ("lookup", {"id": "Ü"})]
    assert len({each.id for each in reply.calls}) == 2
    assert reply.stop == "tool_use"
    assert reply.text == "I look."
    if ear is not None:
        assert [json.loads(ear.text("tool_input", each.id)) for each in reply.calls] == [{"id": "A"}, {"id": "Ü"}]
        assert {each.tool for each in ear if each.kind == "tool_input"} == {"lookup"}


@pytest.mark.parametrize("id", ["lookup", "c1", "über uns", "call:1", "x" * 300])
async def test_ids_are_unique(provider, standin, ear, id):
    """An id that is used already, that is the tool's name or that another provider would not take is replaced.

    The answer goes back with the new one, and so does its result.
    """
    standin.script = [Says("", (Call("lookup", "{}", id), Call("lookup", "{}", id))), Says("done")]
    before = (User("Hi"), _called(ToolCall("c1", "lookup", {})), Results((ToolResult("c1", "lookup", "1"),)))

    async with provider.over(standin) as model:
        reply = await model.ask(ASK._replace(turns=(*before, User("Again"))), ear)
        results = Results(tuple(ToolResult(each.id, "lookup", "2") for each in reply.calls))
        await model.ask(ASK._replace(turns=(*before, User("Again"), reply.turn, results)))

    ids = [each.id for each in reply.calls]
    assert len({*ids, "c1"}) == 3
    assert all(len(each) <= 64 and each.isascii() for each in ids)
    assert all(f'"{each}"' in json.dumps(standin.requests[-1].body) for each in ids)
    if ear is not None:
        assert {each.id for each in ear if each.kind == "tool_input"} <= set(ids)
    assert standin.refused == []


def _called(call: ToolCall):
    from octo.ai.conversation import Assistant

    return Assistant("", (call,))


@pytest.mark.parametrize("written", ['{"id": ', "[1]", '"text"', "3", "{'id': 1}", '{"a": NaN}'])
async def test_arguments_that_are_no_object(provider, standin, ear, written):
    """What a model wrote that is no JSON object is kept as it wrote it."""
    if provider is GEMINI or (provider is ANTHROPIC and ear is None):
        pytest.skip("the provider parses what the model writes")
    standin.script = [Says("", (Call("lookup", written),))]

    async with provider.over(standin) as model:
        reply = await model.ask(ASK, ear)

    (call,) = reply.calls
    assert (call.arguments, call.raw) == (None, written)


async def test_a_call_without_arguments(provider, standin, ear):
    """No arguments are an empty object."""
    standin.script = [Says("", (Call("lookup", "{}"),))]

    async with provider.over(standin) as model:
        reply = await model.ask(ASK, ear)

    assert reply.calls[0].arguments == {}


STOPS = [
    (Says("cut", stop="max_tokens"), "max_tokens", "cut"),
    (Says("cut", (Call("lookup", "{}"),), stop="max_tokens"), "max_tokens", "cut"),
    (Says("", stop="max_tokens"), "max_tokens", ""),
    (Says("", refusal="I will not."), "refusal", "I will not."),
    (Says("so far", stop="content_filter"), "content_filter", "so far"),
    (Says(""), "end_turn", ""),
]


@pytest.mark.parametrize(
    ("says", "stop", "text"), STOPS, ids=["limit", "limit-call", "limit-empty", "refusal", "filter", "empty"]
)
async def test_why_it_stopped(provider, standin, ear, says, stop, text):
    """The end of an answer, no tokens left, a refusal and a filter are told apart."""
    standin.script = [says]
    if provider is GEMINI and says.refusal:
        stop = "end_turn"  # a model of Gemini declines in words
    if provider is ANTHROPIC and says.stop == "content_filter":
        stop = "refusal"  # its one word for both

    async with provider.over(standin) as model:
        reply = await model.ask(ASK, ear)

    assert (reply.stop, reply.text) == (stop, text)


THINK = {
    ANTHROPIC.name: {"thinking": "budgeted", "thinkingBudget": 1024},
    GEMINI.name: {"thinking": "dynamic"},
    OPENAI.name: {"reasoning": "low"},
    OPENROUTER.name: {"reasoning": "low"},
    OLLAMA.name: {},
}


async def test_thoughts(provider, standin, ear):
    """Thoughts are not a part of the text. Signed ones go back as they came, in later turns, and after a restart."""
    standin.script = [Says("I look.", (Call("lookup", '{"id":"A"}'),), thinking="Hmm, so."), Says("done")]

    async with provider.over(standin, **THINK[provider.name]) as model:
        reply = await model.ask(ASK, ear)
        turn = reply.turn._replace(origin=json.loads(json.dumps(reply.origin)))
        result = Results((ToolResult(reply.calls[0].id, "lookup", "sent"),))
        await model.ask(ASK._replace(turns=(*ASK.turns, turn, result)))

    assert (reply.text, reply.thinking) == ("I look.", "Hmm, so.")
    if ear is not None:
        assert ear.text("thinking") == "Hmm, so."
    assert standin.refused == []
    again = json.dumps(standin.requests[1].body)
    if provider is ANTHROPIC:
        thought = {"type": "thinking", "thinking": "Hmm, so.", "signature": SIGNATURE}
        assert standin.requests[1].body["messages"][1]["content"][0] == thought
    elif provider is GEMINI:
        assert GEMINI_SIGNATURE in again
    elif provider is RESPONSES:
        assert SEALED in again


async def test_thoughts_of_another_provider_are_not_sent(provider, standin):
    """What another provider has signed means nothing to this one: text and calls go, the rest stays."""
    standin.script = [Says("done")]
    other = _called(ToolCall("c1", "lookup", {}))._replace(origin={"provider": "llm-other", "response": {"secret": 1}})
    broken = _called(ToolCall("c2", "lookup", {}))._replace(origin={"provider": provider.name, "response": {"x": 1}})
    turns = (
        User("Hi"),
        other,
        Results((ToolResult("c1", "lookup", "1"),)),
        broken,
        Results((ToolResult("c2", "lookup", "1"),)),
    )

    async with provider.over(standin) as model:
        await model.ask(ASK._replace(turns=turns))

    assert "secret" not in json.dumps(standin.requests[0].body)
    assert standin.refused == []


async def test_a_huge_answer(provider, standin, ear):
    """An answer of a megabyte is no problem."""
    standin.script = [Says("ab" * 500_000)]

    async with provider.over(standin) as model:
        reply = await model.ask(ASK, ear)

    assert len(reply.text) == 1_000_000


@pytest.mark.parametrize("provider", [GEMINI], ids=str)
async def test_a_blocked_prompt(provider, standin):
    """Gemini answers a prompt that it does not like with no candidate, and a reason."""
    body = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}, "modelVersion": "g"}
    standin.script = [Raw(json.dumps(body).encode())]

    async with provider.over(standin) as model:
        reply = await model.ask(ASK)

    assert (reply.stop, reply.text) == ("content_filter", "")


@pytest.mark.parametrize("provider", [GEMINI], ids=str)
async def test_one_call_is_one_request(provider, standin):
    """Gemini may want a long answer fetched in several requests: each would be a call that no budget has seen."""
    body = {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": "a"}]},
                "finishReason": "CONTINUATION",
                "continuationToken": "YWJj",
            }
        ],
        "modelVersion": "g",
    }
    standin.script = [Raw(json.dumps(body).encode())]

    async with provider.over(standin) as model:
        reply = await model.ask(ASK)

    assert (reply.stop, standin.attempts) == ("max_tokens", 1)


async def test_vectors(provider, standin):
    """Texts become vectors, in order, of the size that is wanted; Anthropic has none."""
    async with provider.over(standin) as model:
        if provider is ANTHROPIC:
            with pytest.raises(Exception, match="no embeddings") as caught:
                await model.embed(["a"], "m")
            assert caught.value.code == "OCTO-L125"
            return
        found = await model.embed(["a", "bcd"], "text-embedding-3-small", 4)
        plain = await model.embed(["a"], "text-embedding-3-small")

    assert [list(each) for each in found.vectors] == [[1.0, 0.5, 0.5, 0.5], [3.0, 0.5, 0.5, 0.5]]
    assert [len(each) for each in plain.vectors] == [3]
    assert found.usage.input_tokens > 0
    assert standin.refused == []
