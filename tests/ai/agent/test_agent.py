"""Conversations: what is remembered, of whom, for how long, and how a page shows them again."""

from __future__ import annotations

import asyncio

import pytest

from octo.ai.conversation import User
from octo.core.flow import Failure
from octo.services.container import Services
from tests.ai.agent.chat import CHAT, GUARDED, HARM, HOLD, HOLDING, app, flow, held_up, told
from tests.ai.fakes import calls


async def test_a_later_message_goes_on_with_the_conversation():
    async with app(flow(), None, "hello Ada", "you are Ada") as found:
        await found.call("f", {"text": "I am Ada"}, vars=CHAT)
        answer = await found.call("f", {"text": "who am I?"}, vars=CHAT)
        model = found.connector("llm")

    assert answer.body == "you are Ada"
    assert [turn.text for turn in model.asks[1].turns] == ["I am Ada", "hello Ada", "who am I?"]


async def test_conversations_do_not_mix_and_can_be_forgotten():
    text = flow() + "  - {name: forget, process: [{type: clear-agent-memory, threadId: vars.chat}]}\n"
    async with app(text, None, *"abcd") as found:
        await found.call("f", {"text": "1"}, vars=CHAT)
        await found.call("f", {"text": "2"}, vars={"chat": "c2"})
        await found.call("forget", vars=CHAT)
        await found.call("forget", vars=CHAT)
        await found.call("f", {"text": "3"}, vars=CHAT)
        await found.call("f", {"text": "4"}, vars={"chat": "c2"})
        asks = found.connector("llm").asks

    assert [len(each.turns) for each in asks] == [1, 1, 1, 3]


@pytest.mark.parametrize("chat", ["", "x" * 600, "ü/../\n", "a/b"])
async def test_any_text_is_an_id_but_the_empty_one(chat):
    async with app(flow(), None, "a", "b") as found:
        if not chat:
            with pytest.raises(Failure, match="memoryThreadId"):
                await found.call("f", {"text": "1"}, vars={"chat": chat})
            return
        await found.call("f", {"text": "1"}, vars={"chat": chat})
        await found.call("f", {"text": "2"}, vars={"chat": chat})
        assert len(found.connector("llm").asks[1].turns) == 3


@pytest.mark.parametrize("length", [200, 240, 241, 300])
async def test_the_ids_of_a_conversation_and_its_agent_may_both_be_long(length):
    async with app(flow(f"        agentId: {'g' * length}"), None, "a", "b") as found:
        await found.call("f", {"text": "1"}, vars={"chat": "x" * length})
        await found.call("f", {"text": "2"}, vars={"chat": "x" * length})
        assert len(found.connector("llm").asks[1].turns) == 3


async def test_two_agents_of_one_conversation_remember_apart():
    other = """
  - name: other
    process:
      - type: ai-agent
        connector: llm
        prompt: p
        memoryThreadId: vars.chat
        tools: [{name: a, description: d, process: []}]
"""
    text = flow() + other
    async with app(text, None, "a", "b") as found:
        await found.call("f", {"text": "1"}, vars=CHAT)
        await found.call("other", {"text": "1"}, vars=CHAT)
        assert len(found.connector("llm").asks[1].turns) == 1


async def test_calls_of_a_process_that_ended_in_the_middle_of_them_are_not_repeated():
    hold = "process: [{type: delay, for: 1h}]"
    async with Services() as services:
        async with app(flow(tool=hold), services, calls(("act", {}))) as found, asyncio.TaskGroup() as tasks:
            first = tasks.create_task(found.call("f", {"text": "go"}, vars=CHAT))
            await told("tool_call")
            await asyncio.sleep(0.01)
            first.cancel()
        async with app(flow(), services, "ok") as found:
            await found.call("f", {"text": "next"}, vars=CHAT)
            (ask,) = found.connector("llm").asks

    assert [type(turn).__name__ for turn in ask.turns] == ["User", "Assistant", "Results", "User"]
    assert "interrupted" in ask.turns[2].results[0].content


async def test_volatile_conversations_are_apart_from_the_others():
    async with Services() as services:
        async with app(flow("        memoryVolatile: true"), services, "a", "b") as found:
            await found.call("f", {"text": "1"}, vars={"chat": "v1"})
            await found.call("f", {"text": "2"}, vars={"chat": "v1"})
            assert len(found.connector("llm").asks[1].turns) == 3
        store = services.handed({"store": "key-value"})["store"]
        assert (await store.list("agent-memory")).names == ()
        assert len((await store.list("agent-memory-volatile")).names) == 1


READ = """
  - {name: read, process: [{type: read-agent-memory, threadId: vars.chat, agentId: helper}]}
"""


async def test_a_page_can_show_a_conversation_again_with_what_waits_for_its_user():
    text = flow("        agentId: helper", GUARDED) + READ
    async with Services() as services, app(text, services, HARM) as found, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(found.call("f", {"text": "go"}, vars=CHAT))
        request = await told("tool_authorization")
        shown = (await found.call("read", vars=CHAT)).body
        first.cancel()

    assert [each["role"] for each in shown["messages"]] == ["user", "assistant"]
    assert shown["messages"][1]["calls"][0] == {"id": "t1", "tool": "act", "input": {"what": "harm"}}
    (waiting,) = shown["waiting"]
    assert waiting["authorizationId"] == request["authorizationId"]
    assert (waiting["tool"], waiting["input"]) == ("act", {"what": "harm"})
    assert 0 < waiting["expiresInSeconds"] <= 300


async def test_a_page_can_show_a_volatile_conversation_too():
    async with app(flow("        agentId: helper\n        memoryVolatile: true") + READ, None, "hi") as found:
        await found.call("f", {"text": "1"}, vars=CHAT)
        shown = (await found.call("read", vars=CHAT)).body

    assert [each["text"] for each in shown["messages"]] == ["1", "hi"]


async def test_a_conversation_that_was_never_begun_is_empty():
    async with app(flow("        agentId: helper") + READ) as found:
        assert (await found.call("read", vars=CHAT)).body == {"messages": [], "waiting": []}


async def test_a_conversation_is_kept_whole_that_is_larger_than_the_store_takes():
    """Its oldest part is left out, and what is left is one that a model accepts."""
    large = flow(tool="process: [{type: set-payload, value: '\"x\".repeat(90000)'}]").replace(
        '"x".repeat(90000)', "body.what + body.what"
    )
    many = calls(*[("act", {"what": "x" * 45_000}) for _ in range(20)])
    async with app(large, None, many, "done", "and again") as found:
        await found.call("f", {"text": "go"}, vars=CHAT)
        await found.call("f", {"text": "next"}, vars=CHAT)
        turns = found.connector("llm").asks[2].turns

    assert isinstance(turns[0], User)
    assert turns[-1] == User("next")


async def test_a_question_that_is_larger_than_the_store_takes_is_answered():
    async with app(flow(), None, "done", "and again") as found:
        assert (await found.call("f", {"text": "x" * 2_000_000}, vars=CHAT)).body == "done"
        await found.call("f", {"text": "next"}, vars=CHAT)
        turns = found.connector("llm").asks[1].turns

    assert isinstance(turns[0], User)
    assert turns[-1] == User("next")


async def test_a_run_that_stood_still_writes_nothing_over_what_another_one_has_saved():
    """Its lease was over, and another process has answered meanwhile; it calls nothing more either."""
    newer = {"v": 1, "tokens": 0, "messages": [{"role": "user", "text": "newer"}]}
    async with Services() as services:
        await services.open(["key-value"])
        store = services.handed({"store": "key-value"})["store"]

        async def overtaken() -> None:
            async with held_up(HOLDING, services=services):
                await store.put("agent-memory", "c1/f.helper", newer)
                HOLD["release"].set()

        with pytest.raises(ExceptionGroup) as caught:
            await overtaken()
        assert (await store.get("agent-memory", "c1/f.helper")).value == newer

    assert "another run has gone on" in str(caught.value.exceptions[0])


async def test_a_conversation_that_is_cleared_while_it_is_under_way_is_saved_again():
    text = HOLDING + "  - {name: forget, process: [{type: clear-agent-memory, threadId: vars.chat}]}\n"
    async with Services() as services:
        await services.open(["key-value"])
        async with held_up(text, "done", services=services) as (found, _):
            await found.call("forget", vars=CHAT)
            HOLD["release"].set()
        store = services.handed({"store": "key-value"})["store"]
        assert len((await store.get("agent-memory", "c1/f.helper")).value["messages"]) == 4
