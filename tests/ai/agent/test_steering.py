"""A second message of a conversation that is under way: a further question, or a stop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from octo import Message, block
from octo.ai.conversation import Reply, User
from octo.core.flow import Failure
from octo.core.secrets import mask
from octo.services.container import Services
from octo.services.ports import Lease
from octo.testing.clock import virtual
from octo.testing.harness import running
from tests.ai.agent.chat import CHAT, EVENTS, GUARDED, HOLD, HOLDING, Nothing, app, flow, held_up, kinds, note, told
from tests.ai.fakes import FakeModel, calls


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
