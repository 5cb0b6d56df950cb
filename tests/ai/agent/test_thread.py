"""A thread is kept as it was, or shortened to what a model can go on with."""

from __future__ import annotations

import pytest

from octo.ai.agent.thread import MOST_BYTES, NAMESPACE, Memory, Saved
from octo.ai.conversation import Assistant, Results, ToolCall, ToolResult, Turn, User
from octo.core import codec
from octo.services.container import Services


async def kept(*turns: Turn) -> tuple[Turn, ...]:
    async with Services() as services:
        await services.open(["key-value"])
        store = services.handed({"store": "key-value"})["store"]
        memory = Memory(store, "key")
        await memory.save(Saved(turns))
        entry = await store.get(NAMESPACE, "key")
        assert len(codec.write(entry.value)) <= MOST_BYTES
        return (await memory.load()).turns


def rounds(count: int, size: int, text: str = "x") -> list[Turn]:
    """Calls of a tool, each with a result of this size."""
    found: list[Turn] = []
    for at in range(count):
        call = ToolCall(f"c{at}", "t", {})
        found += [Assistant("", (call,)), Results((ToolResult(call.id, "t", text * size),))]
    return found


async def test_what_fits_is_kept_as_it_is():
    turns = (User("q"), *rounds(3, 1000), Assistant("a"))
    assert await kept(*turns) == turns


@pytest.mark.parametrize("text", ["x", "ü", '"'])
@pytest.mark.parametrize("questions", [1, 2, 5])
async def test_a_long_thread_begins_with_a_question_and_no_call_is_without_its_result(questions, text):
    """Also one that is a single question with many calls: its oldest results lose their text, not their calls."""
    turns: list[Turn] = []
    for number in range(questions):
        turns += [User(f"q{number}"), *rounds(60 // questions, 30_000, text)]

    found = await kept(*turns)

    assert isinstance(found[0], User)
    waiting: set[str] = set()
    for turn in found:
        if isinstance(turn, Results):
            assert {each.id for each in turn.results} == waiting
        else:
            assert not waiting
        waiting = {each.id for each in turn.calls} if isinstance(turn, Assistant) else set()
    assert found[-2:] == tuple(turns[-2:])
    assert len(codec.write([each for turn in found if isinstance(turn, Results) for each in turn.results])) > 400_000
