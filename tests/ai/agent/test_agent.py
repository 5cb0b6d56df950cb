"""Conversations: memory, steering, stops and approvals, also over a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from octo import Message, Permanent, Settings, block
from octo.ai.conversation import Reply, Results, User
from octo.core.flow import Failure
from octo.core.secrets import mask
from octo.services.container import Services
from octo.services.ports import Lease
from octo.testing.clock import virtual
from octo.testing.harness import running
from tests.ai.fakes import CONNECTOR, FakeModel, calls


class Nothing(Settings):
    """No settings."""


EVENTS: list[dict[str, Any]] = []


@block("note")
def note(settings: Nothing, message: Message) -> Message:
    """Keep an event."""
    del settings
    EVENTS.append(dict(message.body))  # type: ignore[call-overload]
    return message


def flow(more: str = "", tool: str = "process: [{type: set-payload, value: '\"did \" + body.what'}]") -> str:
    return f"""
{CONNECTOR}
flows:
  - name: f
    process:
      - type: ai-agent
        name: helper
        connector: llm
        prompt: Help.
        input: body.text
        answer: text
        memoryThreadId: vars.chat
        stopWhen: has(vars.stop)
        authorizeId: 'has(vars.id) ? vars.id : ""'
        authorizeAllow: has(vars.allow)
        events: {{process: [{{type: note}}]}}
{more}
        tools:
          - name: act
            description: Act.
            {tool}
"""


GUARDED = "authorize: input.what == 'harm'\n            process: [{type: set-payload, value: '\"did \" + body.what'}]"


@asynccontextmanager
async def app(text: str, services: Any = None, *script: Any) -> AsyncIterator[Any]:
    EVENTS.clear()
    async with running(text, components=[FakeModel, note], services=services) as found:
        found.connector("llm").says(*script)
        yield found


def kinds() -> list[str]:
    return [each["type"] for each in EVENTS]


async def told(kind: str) -> dict[str, Any]:
    """The first event of the kind, once it is there."""
    while True:
        found = next((each for each in EVENTS if each["type"] == kind), None)
        if found is not None:
            return found
        await asyncio.sleep(0)


CHAT = {"chat": "c1"}


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


async def test_a_second_message_is_a_further_question_to_the_run():
    """It calls no model, and the run does not end before it was answered."""
    began, release = asyncio.Event(), asyncio.Event()

    @block("hold")
    async def hold(settings: Nothing, message: Message) -> Message:
        """Hold the run up."""
        del settings
        began.set()
        await release.wait()
        return message

    text = flow(tool="process: [{type: hold}]")
    EVENTS.clear()
    async with running(text, components=[FakeModel, note, hold]) as found, asyncio.TaskGroup() as tasks:
        model = found.connector("llm").says(calls(("act", {})), "both")
        first = tasks.create_task(found.call("f", {"text": "one"}, vars=CHAT))
        await began.wait()
        second = await found.call("f", {"text": "two"}, vars=CHAT)
        release.set()
        answer = await first

    assert second.body == {}
    assert answer.body == "both"
    assert model.asks[1].turns[-1] == User("two")
    assert "signal" in kinds()


HOLD: dict[str, asyncio.Event] = {}


@block("hold-up")
async def hold_up(settings: Nothing, message: Message) -> Message:
    """Hold a run up."""
    del settings
    HOLD["began"].set()
    await HOLD["release"].wait()
    return message


@asynccontextmanager
async def held_up(text: str, *script: Any, services: Any = None) -> AsyncIterator[tuple[Any, asyncio.TaskGroup]]:
    """An app, and tasks of a run of c1 that is held up in its tool."""
    HOLD.update(began=asyncio.Event(), release=asyncio.Event())
    EVENTS.clear()
    parts = [FakeModel, note, hold_up]
    async with running(text, components=parts, services=services) as found, asyncio.TaskGroup() as tasks:
        found.connector("llm").says(calls(("act", {})), *script)
        tasks.create_task(found.call("f", {"text": "one"}, vars=CHAT))
        await HOLD["began"].wait()
        yield found, tasks


HOLDING = flow(tool="process: [{type: hold-up}]")


async def test_a_further_question_is_told_like_the_first_one():
    """Without `input` the body is data, and a secret in it is none of the model's business."""
    mask("hunter2-secret")
    text = HOLDING.replace("        input: body.text\n", "")
    async with held_up(text, "done") as (found, _):
        await found.call("f", {"text": "my key is hunter2-secret"}, vars=CHAT)
        HOLD["release"].set()
    model = found.connector("llm")

    further = model.asks[1].turns[-1].text
    assert "hunter2" not in further
    assert further.startswith("The task is about this message:\n<data mark=")


async def test_a_further_question_with_files_waits_for_its_own_run():
    """Files are too large for the mailbox, and must not get lost."""
    text = HOLDING.replace("input: body.text\n", "input: body.text\n        attachments: body.?files.orValue([])\n")
    files = [{"mimeType": "text/plain", "data": "YQ==", "name": "a"}]
    async with held_up(text, "one is done", "two is done") as (found, tasks):
        second = tasks.create_task(found.call("f", {"text": "two", "files": files}, vars=CHAT))
        await asyncio.sleep(0.02)
        HOLD["release"].set()

    assert second.result().body == "two is done"
    assert found.connector("llm").asks[2].turns[-1].attachments[0].data == b"a"


async def test_a_question_that_comes_while_the_answer_is_written_is_answered_too():
    async with app(flow()) as found:
        release = asyncio.Event()
        model = found.connector("llm")

        async def slow(ask, hear=None):
            if len(model.asks) == 0:
                model.asks.append(ask)
                asked.set()
                await release.wait()
                return Reply("first")
            model.asks.append(ask)
            return Reply("second")

        asked = asyncio.Event()
        model.ask = slow
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(found.call("f", {"text": "one"}, vars=CHAT))
            await asked.wait()
            assert (await found.call("f", {"text": "two"}, vars=CHAT)).body == {}
            release.set()

    assert first.result().body == "second"
    assert [turn.text for turn in model.asks[1].turns] == ["one", "first", "two"]


async def test_a_stop_ends_the_run_in_the_middle_of_a_call_and_its_words_are_kept():
    async with app(flow("        stream: true")) as found:
        model = found.connector("llm")

        async def slow(ask, hear=None):
            from octo.ai.conversation import Piece

            model.asks.append(ask)
            if len(model.asks) > 1:
                return Reply("again")
            await hear(Piece("text", "half an "))
            asked.set()
            return await asyncio.Event().wait()

        asked = asyncio.Event()
        model.ask = slow
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(found.call("f", {"text": "one"}, vars=CHAT))
            await asked.wait()
            assert (await found.call("f", {"text": ""}, vars={**CHAT, "stop": 1})).body == {}
        await found.call("f", {"text": "two"}, vars=CHAT)

    assert first.result().body == {"stopped": True}
    assert first.result().vars["ai"]["stopReason"] == "stopped"
    assert [turn.text for turn in model.asks[1].turns] == ["one", "half an ", "two"]


async def test_a_stop_or_an_answer_for_nobody_does_nothing():
    async with app(flow(tool=GUARDED)) as found:
        for more in ({"stop": 1}, {"id": "late", "allow": 1}, {"id": "late"}):
            assert (await found.call("f", {"text": ""}, vars={**CHAT, **more})).body == {}
        assert found.connector("llm").asks == []


HARM = calls(("act", {"what": "harm"}), ("act", {"what": "good"}))


@pytest.mark.parametrize("allow", [True, False])
async def test_a_person_allows_or_refuses_a_call(allow):
    async with app(flow(tool=GUARDED), None, HARM, "done") as found, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(found.call("f", {"text": "go"}, vars=CHAT))
        request = await told("tool_authorization")
        given = {"id": request["authorizationId"]} | ({"allow": 1} if allow else {})
        assert (await found.call("f", {"text": ""}, vars={**CHAT, **given})).body == {}
        await first
        model = found.connector("llm")

    first_result, second = model.asks[1].turns[-1].results
    assert first_result.content == ("did harm" if allow else '{"authorized":false,"reason":"denied"}')
    assert (first_result.is_error, second.content) == (not allow, "did good")
    assert kinds().count("tool_authorization") == 1
    assert request["tool"] == "act"
    assert request["input"] == {"what": "harm"}


async def test_without_an_answer_in_time_the_call_is_refused():
    text = flow("        authorizeTimeout: 20ms", GUARDED)
    async with app(text, None, HARM, "done") as found:
        await found.call("f", {"text": "go"}, vars=CHAT)
        results = found.connector("llm").asks[1].turns[-1].results

    assert results[0].content == '{"authorized":false,"reason":"timeout"}'


async def test_a_condition_that_cannot_be_told_refuses():
    async with app(flow(tool=GUARDED.replace("input.what", "input.nope")), None, HARM, "done") as found:
        await found.call("f", {"text": "go"}, vars=CHAT)
        results = found.connector("llm").asks[1].turns[-1].results

    assert [each.is_error for each in results] == [True, True]
    assert "tool_authorization" not in kinds()


async def crashed(services: Any) -> dict[str, Any]:
    """A run whose process ends while it waits for a person; returns its request."""
    async with app(flow(tool=GUARDED), services, HARM) as found:
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(found.call("f", {"text": "go"}, vars=CHAT))
            request = await told("tool_authorization")
            first.cancel()
        await asyncio.sleep(0)
    return request


@pytest.mark.parametrize("allow", [True, False])
async def test_an_approval_survives_a_restart(allow):
    """Nothing was called before the answer, and the calls of that turn run once after it."""
    async with Services() as services:
        request = await crashed(services)
        async with app(flow(tool=GUARDED), services, "done") as found:
            given = {"id": request["authorizationId"]} | ({"allow": 1} if allow else {})
            answer = await found.call("f", {"text": ""}, vars={**CHAT, **given})
            (ask,) = found.connector("llm").asks

    assert answer.body == "done"
    results = ask.turns[-1].results
    assert [each.content for each in results] == [
        "did harm" if allow else '{"authorized":false,"reason":"denied"}',
        "did good",
    ]
    assert answer.vars["ai"]["usage"]["calls"] == 2


async def test_an_approval_after_its_time_is_a_refusal():
    """Also if it is what begins the run again: whoever asked was told how long an answer counts."""
    async with Services() as services:
        request = await crashed(services)
        store = services.handed({"store": "key-value"})["store"]
        (key,) = (await store.list("agent-memory")).names
        entry = await store.get("agent-memory", key)
        entry.value["waiting"]["requests"][request["authorizationId"]]["until"] -= 3600
        await store.put("agent-memory", key, entry.value)
        async with app(flow(tool=GUARDED), services, "done") as found:
            given = {"id": request["authorizationId"], "allow": 1}
            await found.call("f", {"text": ""}, vars={**CHAT, **given})
            (ask,) = found.connector("llm").asks

    assert ask.turns[-1].results[0].content == '{"authorized":false,"reason":"timeout"}'


async def test_what_was_asked_is_not_called_though_the_message_with_the_answer_would_need_no_approval():
    """`authorize` is about the message that the call was made for, and not about that of the person."""
    guarded = GUARDED.replace("input.what == 'harm'", "has(body.text) && body.text == 'go' && input.what == 'harm'")
    async with Services() as services:
        async with app(flow(tool=guarded), services, HARM) as found, asyncio.TaskGroup() as tasks:
            first = tasks.create_task(found.call("f", {"text": "go"}, vars=CHAT))
            request = await told("tool_authorization")
            first.cancel()
        async with app(flow(tool=guarded), services, "done") as found:
            await found.call("f", {"text": ""}, vars={**CHAT, "id": request["authorizationId"]})
            (ask,) = found.connector("llm").asks

    assert ask.turns[-1].results[0].content == '{"authorized":false,"reason":"denied"}'


async def test_what_could_not_be_told_before_a_restart_is_refused_after_it():
    """The message with the answer says nothing about it, whatever is in it."""
    guarded = GUARDED.replace("input.what == 'harm'", "input.what == 'harm' || body.n > 1")
    async with Services() as services:
        async with app(flow(tool=guarded), services, HARM) as found, asyncio.TaskGroup() as tasks:
            first = tasks.create_task(found.call("f", {"text": "go"}, vars=CHAT))
            request = await told("tool_authorization")
            first.cancel()
        async with app(flow(tool=guarded), services, "done") as found:
            given = {"id": request["authorizationId"], "allow": 1}
            await found.call("f", {"text": "", "n": 1}, vars={**CHAT, **given})
            (ask,) = found.connector("llm").asks

    assert [each.is_error for each in ask.turns[-1].results] == [False, True]


async def test_a_question_after_a_restart_asks_for_the_approval_again():
    async with Services() as services:
        request = await crashed(services)
        async with app(flow(tool=GUARDED), services, "done") as found, asyncio.TaskGroup() as tasks:
            first = tasks.create_task(found.call("f", {"text": "and?"}, vars=CHAT))
            again = await told("tool_authorization")
            await found.call("f", {"text": ""}, vars={**CHAT, "id": again["authorizationId"], "allow": 1})
            await first
            (ask,) = found.connector("llm").asks

    assert again["authorizationId"] == request["authorizationId"]
    assert isinstance(ask.turns[-2], Results)
    assert ask.turns[-1] == User("and?")


async def test_a_stop_after_a_restart_gives_the_calls_up():
    async with Services() as services:
        await crashed(services)
        async with app(flow(tool=GUARDED), services, "ok") as found:
            await found.call("f", {"text": ""}, vars={**CHAT, "stop": 1})
            await found.call("f", {"text": "next"}, vars=CHAT)
            (ask,) = found.connector("llm").asks

    assert all(each.is_error for each in ask.turns[-2].results)
    assert ask.turns[-1] == User("next")


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


async def test_a_second_message_may_be_refused_instead():
    began = asyncio.Event()
    async with app(flow("        join: refuse")) as found:
        model = found.connector("llm")
        release = asyncio.Event()

        async def slow(ask, hear=None):
            began.set()
            await release.wait()
            return Reply("x")

        model.ask = slow
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(found.call("f", {"text": "one"}, vars=CHAT))
            await began.wait()
            with pytest.raises(Failure, match="under way") as caught:
                await found.call("f", {"text": "two"}, vars=CHAT)
            release.set()

    assert caught.value.cause.code == "OCTO-L133"


async def test_the_events_of_a_run_come_in_their_order():
    async with app(flow(), None, calls(("act", {"what": "x"}), text="let me"), "done") as found:
        await found.call("f", {"text": "go"}, vars=CHAT)

    assert kinds() == [
        *("turn_start", "text", "turn_end", "tool_call", "tool_result"),
        *("turn_start", "text", "turn_end", "done"),
    ]
    assert EVENTS[4] == {
        "type": "tool_result",
        "iteration": 1,
        "tool": "act",
        "toolCallId": "t1",
        "output": "did x",
        "isError": False,
    }
    assert EVENTS[2]["usage"] == {"inputTokens": 10, "outputTokens": 5, "money": 0.01}


async def test_pieces_come_while_the_model_writes():
    async with app(flow("        stream: true\n        emit: [text]"), None, "one two") as found:
        await found.call("f", {"text": "go"}, vars=CHAT)

    assert [each["text"] for each in EVENTS] == ["one", "two"]


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


async def test_a_run_that_nobody_listens_to_ends_and_keeps_what_was_said():
    text = flow("        emit: [tool_result]").replace(
        "[{type: note}]", "[{type: validate, rules: [{expr: 'false', message: gone}]}]"
    )
    async with app(text, None, calls(("act", {"what": "x"})), "again") as found:
        await found.call("f", {"text": "go"}, vars=CHAT)
        await found.call("f", {"text": "next"}, vars=CHAT)
        ask = found.connector("llm").asks[1]

    assert [type(turn).__name__ for turn in ask.turns] == ["User", "Assistant", "Results", "User"]


STOPPING = "[{type: validate, rules: [{expr: 'false', message: gone}]}]"


@pytest.mark.parametrize("error", [Permanent("no such model"), RuntimeError("bug")])
async def test_a_run_that_fails_and_that_nobody_listens_to_has_failed(error):
    """Not because nobody listens, which would hide the reason."""
    text = flow("        emit: [error]").replace("[{type: note}]", STOPPING)
    async with app(text, None, error) as found:
        with pytest.raises(Failure) as caught:
            await found.call("f", {"text": "go"}, vars=CHAT)

    assert caught.value.cause is error


async def test_a_run_that_is_stopped_and_that_nobody_listens_to_has_stopped():
    text = HOLDING.replace("        tools:", "        emit: [done]\n        tools:").replace("[{type: note}]", STOPPING)
    async with held_up(text) as (found, _):
        assert (await found.call("f", {"text": ""}, vars={**CHAT, "stop": 1})).body == {}


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


async def test_calls_that_are_too_large_to_wait_for_a_person_are_not_asked_about():
    """Their arguments must outlive the process, and nothing else is called instead."""
    large = calls(("act", {"what": "harm", "more": "x" * 1_000_000}))
    async with app(flow(tool=GUARDED), None, large) as found:
        with pytest.raises(Failure, match="too large to be kept while its calls wait"):
            await found.call("f", {"text": "go"}, vars=CHAT)

    assert "tool_authorization" not in kinds()


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


async def test_an_answer_to_a_run_that_is_gone_does_not_wait_in_its_mailbox():
    """The lease of a process that was killed is held for a while, and its mailbox still takes letters."""
    async with Services() as services:
        request = await crashed(services)
        held = services.handed({"store": "key-value", "leases": "leases"})
        key = "c1/f.helper"
        assert await held["leases"].acquire(f"agent/{key}", 0.1)
        await held["store"].put("agent-mail", key, [])
        async with app(flow(tool=GUARDED), services, "done") as found:
            answer = await found.call("f", {"text": ""}, vars={**CHAT, "id": request["authorizationId"], "allow": 1})

    assert answer.body == "done"


async def test_a_question_that_a_run_has_seen_and_not_answered_is_answered_by_the_next():
    async with Services() as services:
        await services.open(["key-value"])
        store = services.handed({"store": "key-value"})["store"]
        await store.put("agent-mail", "c1/f.helper", [{"id": "1", "kind": "question", "text": "left", "seen": True}])
        async with app(flow(), services, "both") as found:
            await found.call("f", {"text": "next"}, vars=CHAT)
            (ask,) = found.connector("llm").asks

    assert {turn.text for turn in ask.turns} == {"left", "next"}


@virtual()
async def test_a_run_that_has_lost_its_conversation_leaves_the_mailbox_of_the_next_alone():
    """A process that stood still: another one goes on with the conversation, and has a letter already."""
    key = "c1/f.helper"
    letter = {"id": "1", "kind": "decision", "request": "r", "allow": True}
    async with Services() as services:
        await services.open(["key-value", "leases"])
        held = services.handed({"store": "key-value", "leases": "leases"})
        tool = "process: [{type: delay, for: 1m}]"

        async def lost(found: Any) -> None:
            with pytest.raises(Failure, match="was not renewed in time"):
                await found.call("f", {"text": "go"}, vars=CHAT)

        async with app(flow(tool=tool), services, calls(("act", {}))) as found, asyncio.TaskGroup() as tasks:
            tasks.create_task(lost(found))
            await told("tool_call")
            await held["leases"].release(Lease(f"agent/{key}", 1))
            assert await held["leases"].acquire(f"agent/{key}", 60)
            await held["store"].put("agent-mail", key, [letter])
        left = (await held["store"].get("agent-mail", key)).value
        assert [{**each, "seen": True} for each in left] == [{**letter, "seen": True}]
