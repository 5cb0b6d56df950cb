"""The events of a run, in their order, whoever listens."""

from __future__ import annotations

import pytest

from octo import Permanent
from octo.core.flow import Failure
from tests.ai.agent.chat import CHAT, EVENTS, HOLDING, STOPPING, app, flow, held_up, kinds
from tests.ai.fakes import calls


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


async def test_a_run_that_nobody_listens_to_ends_and_keeps_what_was_said():
    text = flow("        emit: [tool_result]").replace(
        "[{type: note}]", "[{type: validate, rules: [{expr: 'false', message: gone}]}]"
    )
    async with app(text, None, calls(("act", {"what": "x"})), "again") as found:
        await found.call("f", {"text": "go"}, vars=CHAT)
        await found.call("f", {"text": "next"}, vars=CHAT)
        ask = found.connector("llm").asks[1]

    assert [type(turn).__name__ for turn in ask.turns] == ["User", "Assistant", "Results", "User"]


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
