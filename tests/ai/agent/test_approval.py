"""A person allows or refuses calls, also over a restart; no call is made that nobody has allowed."""

from __future__ import annotations

import asyncio

import pytest

from octo.ai.conversation import Results, User
from octo.core.flow import Failure
from octo.services.container import Services
from tests.ai.agent.chat import CHAT, GUARDED, HARM, app, crashed, flow, kinds, told
from tests.ai.fakes import calls


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


async def test_calls_that_are_too_large_to_wait_for_a_person_are_not_asked_about():
    """Their arguments must outlive the process, and nothing else is called instead."""
    large = calls(("act", {"what": "harm", "more": "x" * 1_000_000}))
    async with app(flow(tool=GUARDED), None, large) as found:
        with pytest.raises(Failure, match="too large to be kept while its calls wait"):
            await found.call("f", {"text": "go"}, vars=CHAT)

    assert "tool_authorization" not in kinds()


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
