"""What Octo adds to a call of a model: over the same library alone, per call and per piece of a stream.

Nothing leaves the process: a transport answers in the form of each provider.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from time import process_time
from typing import Any

import httpx2

from bench.figures import there_and_back
from bench.section import Budget, Effort, Section, Table
from octo.ai.conversation import Ask, Piece, Tool, User
from octo.ai.llm import settings
from octo.ai.llm.caller import Caller
from octo.ai.llm.wires import rehearsal
from octo.core import budget

PROVIDERS: dict[str, tuple[type[settings.Provider], str]] = {
    "llm-anthropic": (settings.Anthropic, "anthropic"),
    "llm-openai": (settings.OpenAI, "openai"),
    "llm-gemini": (settings.Gemini, "gemini"),
}
PIECES = 400
CALLS = 40
STREAMS = 4
MOST_PER_CALL = 0.35
MOST_PER_PIECE = 0.35
ASK = Ask("Be brief.", (User("Where is order 4711?"),), (Tool("lookup", "Find an order.", {"type": "object"}),))


def measure(effort: Effort) -> Section:
    rounds = max(6, 2 * effort.rounds)
    rows: list[list[str | float]] = []
    calls, pieces = [], []
    for name in PROVIDERS:
        found = asyncio.run(_measured(name, rounds))
        calls.append(found["caller"] / found["library"] - 1)
        pieces.append(found["caller, stream"] / found["library, stream"] - 1)
        rows.append(
            [
                name,
                f"{found['library']:.2f}",
                f"{found['caller'] - found['library']:.3f}",
                f"{1000 * found['library, stream'] / PIECES:.0f}",
                f"{1000 * (found['caller, stream'] - found['library, stream']) / PIECES:.1f}",
            ]
        )
    return Section(
        "Models",
        "A call of each provider's library by itself, and through a connector with two open budgets: conversation and "
        f"answer in the forms of both sides, prices, limits. A stream has {PIECES} pieces of a word.",
        [
            Table(
                ["connector", "library: ms per call", "Octo adds: ms", "library: µs per piece", "Octo adds: µs"], rows
            ),
            Table(["connector", "opens in s", "first message ms", "second", "third"], [_started(n) for n in PROVIDERS]),
        ],
        budgets=[
            Budget(
                "a call of a model: what Octo adds to its library's own time",
                f"<= {MOST_PER_CALL}",
                max(calls),
                max(calls) <= MOST_PER_CALL,
                "the largest of three providers",
            ),
            Budget(
                "a piece of a stream: the same",
                f"<= {MOST_PER_PIECE}",
                max(pieces),
                max(pieces) <= MOST_PER_PIECE,
                "the largest of three providers",
            ),
        ],
    )


async def _measured(name: str, rounds: int) -> dict[str, float]:
    """The milliseconds of CPU of a call, by what is called."""
    model, module = PROVIDERS[name]
    given = model.model_validate({"apiKey": "sk-1234567890"})
    make = import_module(f"octo.ai.llm.{module}")._wire
    wire = make(given, httpx2.AsyncClient(transport=httpx2.MockTransport(_answer), timeout=60.0))
    caller = Caller(name, wire, given, lambda *_: 0.001)
    bridge = wire._bridge
    asked, parameters = bridge._asked(ASK)
    messages = [*bridge._turns(ASK.turns)]

    async def library() -> None:
        await bridge._model.request(messages, asked, parameters)

    async def library_stream() -> None:
        async with bridge._model.request_stream(messages, asked, parameters) as stream:
            async for _ in stream:
                pass

    async def hear(piece: Piece) -> None:
        pass

    work: dict[str, tuple[Callable[[], Awaitable[object]], int]] = {
        "library": (library, CALLS),
        "caller": (lambda: caller.ask(ASK), CALLS),
        "library, stream": (library_stream, STREAMS),
        "caller, stream": (lambda: caller.ask(ASK, hear), STREAMS),
    }
    results: dict[str, list[float]] = {each: [] for each in work}
    outer, inner = (budget.Meter(None, each) for each in ("flow", "block"))
    with budget.metered(outer), budget.metered(inner):
        for _ in range(rounds + 1):
            for each in there_and_back(list(work)):
                call, times = work[each]
                began = process_time()
                for _ in range(times):
                    await call()
                results[each].append(1000 * (process_time() - began) / times)
    await wire.close()
    return {each: min(series) for each, series in results.items()}  # only noise makes one slower


def _answer(request: httpx2.Request) -> httpx2.Response:
    """A stream with many pieces, or else what a rehearsal answers."""
    path = request.url.path
    if "stream" in path or (b'"stream":true' in request.content):
        return httpx2.Response(200, content=_STREAMS[_kind(path)], headers={"content-type": "text/event-stream"})
    return rehearsal._answer(request)


def _kind(path: str) -> str:
    return "anthropic" if path.endswith("/messages") else "gemini" if "enerateContent" in path else "openai"


def _anthropic(pieces: int) -> list[dict[str, Any]]:
    first, begin, delta, *last = rehearsal._MESSAGE_EVENTS
    return [first, begin, *[delta] * pieces, *last]


def _openai(pieces: int) -> list[dict[str, Any]]:
    chunk: Any = rehearsal._CHUNK
    word = {**chunk, "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]}
    return [*[word] * pieces, {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]


def _gemini(pieces: int) -> list[dict[str, Any]]:
    word = {"candidates": [{"content": {"role": "model", "parts": [{"text": "word "}]}}], "modelVersion": "m"}
    return [*[word] * pieces, rehearsal._CONTENT]


def _written(events: list[dict[str, Any]]) -> bytes:
    lines = (
        f"event: {each['type']}\ndata: {json.dumps(each)}" if "type" in each else f"data: {json.dumps(each)}"
        for each in events
    )
    return "".join(f"{line}\n\n" for line in lines).encode()


_STREAMS = {
    "anthropic": _written(_anthropic(PIECES)),
    "openai": _written(_openai(PIECES)),
    "gemini": _written(_gemini(PIECES)),
}


def _started(name: str) -> list[str | float]:
    """How long a connector of a fresh process takes to open, and its first two messages."""
    done = subprocess.run(
        [sys.executable, "-c", f"from bench.measures.models import started; started({name!r})"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [name, *done.stdout.split()]


def started(name: str) -> None:
    """Print how long the connector takes to open, and its first three messages, in a process that has done nothing."""
    asyncio.run(_start(name))


async def _start(name: str) -> None:
    model, module = PROVIDERS[name]
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    cls = import_module(f"octo.ai.llm.{module}")
    opened = next(each for each in vars(cls).values() if hasattr(each, "__octo_connector__"))
    clock = asyncio.get_running_loop().time
    began = clock()
    async with opened.open(model.model_validate({"apiKey": "sk-1234567890", "baseURL": address})) as llm:
        times = [clock() - began]
        for _ in range(3):
            began = clock()
            await llm.ask(ASK)
            times.append(clock() - began)
    server.close()
    print(f"{times[0]:.2f}", *(f"{1000 * each:.1f}" for each in times[1:]))


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := (await reader.readuntil(b"\r\n\r\n")).decode():
        size = next(line for line in head.lower().split("\r\n") if line.startswith("content-length"))
        body = await reader.readexactly(int(size.partition(":")[2]))
        answer = _answer(httpx2.Request("POST", f"http://x{head.split()[1]}", content=body))
        start = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(answer.content)}\r\n\r\n"
        writer.write(start.encode() + answer.content)
        await writer.drain()
