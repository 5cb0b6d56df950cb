"""What flows add to the library that speaks to a model: for an agent, for a stream to the caller, at the start."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from statistics import median
from typing import Any

from bench import model
from bench.figures import spread, there_and_back
from bench.machine import SERVER_CPU, environment, pinned
from bench.section import Budget, Effort, Section, Table

Work = Callable[[], Awaitable[object]]
TURN = ("`ai-agent`: two calls, three tools", "pydantic-ai: the same two calls")
WORD = ("`ai-prompt` that streams", "pydantic-ai: the same stream")
MOST_TURN = 1.5
MOST_WORD = 1.35
MOST_FIRST = 2.0

NOTES = (
    "The model is OpenAI's chat API in process, without a socket; what that costs is in both sides.",
    "An agent's run: the model wants three tools called at once, and answers when it has their results.",
    "The bare calls send the same conversation with the same tools, and call nothing.",
    f"A stream has {model.TOKENS:,} words, each a chunk of the API and a partial result of the flow.",
    "Octo checks arguments, keeps budgets, masks secrets, marks what is data, and runs the blocks of the tools.",
)


def measure(effort: Effort) -> Section:
    with pinned():
        costs = asyncio.run(_costs(effort.seconds / 2, 2 * effort.rounds))
    turn, bare_turn, stream, bare_stream = costs.values()
    started = [_started() for _ in range(5 if effort.full else 3)]
    firsts = [each["messages"][0] / each["messages"][1] for each in started]
    turns, words, first = _ratio(turn, bare_turn), _ratio(stream, bare_stream), median(firsts)
    return Section(
        "Agents",
        "What an agent, a stream to the caller and the first message cost beside the library that speaks to the model.",
        [
            Table(
                ["work", "CPU-ms", "of the library alone"],
                [
                    [TURN[0], spread([each * 1e3 for each in turn]), round(turns, 2)],
                    [TURN[1], spread([each * 1e3 for each in bare_turn]), 1.0],
                ],
                "An agent's run",
            ),
            Table(
                ["work", "CPU-µs per word", "of the library alone"],
                [[WORD[0], _per_word(stream), round(words, 2)], [WORD[1], _per_word(bare_stream), 1.0]],
                "A stream",
            ),
            Table(
                ["in a fresh process", "CPU-ms"],
                [
                    ["start: libraries are imported, calls rehearsed", _ms([each["start"] for each in started], 0)],
                    ["first message of the agent", _ms([each["messages"][0] for each in started])],
                    ["second message", _ms([each["messages"][1] for each in started])],
                    ["later ones", _ms([median(each["messages"][2:]) for each in started])],
                ],
                "Start",
            ),
        ],
        budgets=[
            Budget(
                "an agent with three tools: CPU, of the bare calls'", f"<= {MOST_TURN:g}", turns, turns <= MOST_TURN
            ),
            Budget("a word of a stream to the caller: the same", f"<= {MOST_WORD:g}", words, words <= MOST_WORD),
            Budget(
                "the first message of an agent: CPU, of the second one's",
                f"<= {MOST_FIRST:g}",
                first,
                first <= MOST_FIRST,
                f"of {len(firsts)} processes: {spread(firsts)}",
            ),
        ],
        notes=list(NOTES),
    )


def _ratio(costs: list[float], bare: list[float]) -> float:
    return median(costs) / median(bare)


def _ms(seconds: list[float], digits: int = 2) -> str:
    return spread([each * 1e3 for each in seconds], digits)


def _per_word(costs: list[float]) -> str:
    return spread([each / model.TOKENS * 1e6 for each in costs], 1)


def _started() -> dict[str, Any]:
    command = ["taskset", "-c", str(SERVER_CPU), sys.executable, "-m", "bench.model"]
    done = subprocess.run(command, check=True, capture_output=True, env=environment())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def _costs(seconds: float, rounds: int) -> dict[str, list[float]]:
    """CPU-seconds of each work, a figure for each series."""
    async with AsyncExitStack() as stack:
        works = await _works(stack)
        costs: dict[str, list[float]] = {name: [] for name in works}
        for name in works:
            await works[name]()
        for name in there_and_back(list(works)) * rounds:
            costs[name].append(await _cost(works[name], seconds))
        return costs


async def _cost(work: Work, seconds: float) -> float:
    began, cpu, done = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - began < seconds:
        await work()
        done += 1
    return (time.process_time() - cpu) / done


async def _works(stack: AsyncExitStack) -> dict[str, Work]:
    from octo.core.partial import receiving
    from octo.testing.harness import running

    app = await stack.enter_async_context(running(model.FLOW, components=[model.Bench]))
    # The model of the library that Octo itself asks, and what it asks it.
    bare = Bare(app.connector("llm")._wire._bridge, await _asked(app))

    async def agent() -> None:
        outcome = await app.call("agent", model.QUESTION)
        assert outcome.body == model.ANSWER

    async def streamed() -> None:
        words = 0

        async def take(_: object) -> None:
            nonlocal words
            words += 1

        with receiving(take):
            await app.call("prompt", model.QUESTION)
        assert words == model.TOKENS

    return {TURN[0]: agent, TURN[1]: bare.turn, WORD[0]: streamed, WORD[1]: bare.streamed}


async def _asked(app: Any) -> list[Any]:
    """What the agent asks the model, call by call."""
    wire = app.connector("llm")._wire
    asked: list[Any] = []
    send = wire.send

    async def noting(ask: Any, hear: Any) -> Any:
        asked.append(ask)
        return await send(ask, hear)

    wire.send = noting
    try:
        await app.call("agent", model.QUESTION)
    finally:
        wire.send = send
    return asked


class Bare:
    """The library alone. bridge: Octo's, to it. asked: the calls to repeat."""

    def __init__(self, bridge: Any, asked: list[Any]) -> None:
        self._model = bridge._model
        self._asked = [([*bridge._turns(ask.turns)], *bridge._asked(ask)) for ask in asked]

    async def turn(self) -> None:
        for messages, settings, parameters in self._asked:
            await self._model.request(messages, settings, parameters)

    async def streamed(self) -> None:
        from pydantic_ai.models import ModelRequestParameters

        messages, settings, _ = self._asked[0]
        async with self._model.request_stream(messages, settings, ModelRequestParameters()) as stream:
            async for _ in stream:
                pass
