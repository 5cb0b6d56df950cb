"""A model for tests: it says what a test has written, and keeps what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from octo import Settings, connector
from octo.ai.conversation import Ask, Piece, Reply, ToolCall, Usage, distinct
from octo.ai.model import Embedded, Hear
from octo.core.budget import meters

HANGS = Reply("never")
"""A step that takes for ever."""

Step = Reply | str | Exception | Callable[[Ask], "Reply | str"]

CONNECTOR = "connectors: [{name: llm, type: fake-llm}]"


class Fakes(Settings):
    """No settings."""


@connector("fake-llm", family="llm")
class FakeModel:
    """Says the steps of its script in their order; each call costs 10 and 5 tokens and a cent."""

    name = "tiny-1"

    def __init__(self) -> None:
        self.script: list[Step] = []
        self.asks: list[Ask] = []
        self.heard: list[str] = []
        self.embedded: list[tuple[Sequence[str], str, int | None]] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Fakes) -> AsyncIterator[Self]:
        del settings
        yield cls()

    def says(self, *steps: Step) -> Self:
        self.script = list(steps)
        return self

    async def ask(self, ask: Ask, hear: Hear | None = None) -> Reply:
        call = object()
        for meter in meters():
            await meter.begin(call, 15, 0.01)
        self.asks.append(ask)
        step = self.script.pop(0)
        if step is HANGS:
            await asyncio.Event().wait()
        if isinstance(step, Exception):
            for meter in meters():
                meter.end(call)
            raise step
        found = step if isinstance(step, Reply | str) else step(ask)
        reply = Reply(found) if isinstance(found, str) else found
        reply = distinct(reply, ask.turns)._replace(usage=Usage(10, 5, money=0.01), model=self.name)
        if hear is not None:
            for word in reply.text.split():
                self.heard.append(word)
                await hear(Piece("text", word))
        for meter in meters():
            meter.end(call, 10, 5, 0.01)
        return reply

    async def embed(self, texts: Sequence[str], model: str, dimensions: int | None = None) -> Embedded:
        self.embedded.append((texts, model, dimensions))
        call = object()
        for meter in meters():
            await meter.begin(call, len(texts), 0.0)
            meter.end(call, len(texts), 0, 0.0)
        return Embedded(tuple([float(len(each)), 1.0] for each in texts), Usage(len(texts), money=0.0))


def calls(*tools: tuple[str, Mapping[str, Any] | str], text: str = "") -> Reply:
    """A reply that wants these tools called; arguments that are a text are no JSON."""
    found = tuple(
        ToolCall(f"t{at}", name, None, arguments) if isinstance(arguments, str) else ToolCall(f"t{at}", name, arguments)
        for at, (name, arguments) in enumerate(tools, 1)
    )
    return Reply(text, found, "tool_use")


def flow(*blocks: str, name: str = "f", more: str = "") -> str:
    """A configuration with the model and one flow, whose blocks are YAML in one line each."""
    lines = "\n".join(f"      - {each}" for each in blocks)
    return f"{CONNECTOR}\nflows:\n  - name: {name}\n    process:\n{lines}\n{more}"


def components(*blocks: object) -> Iterable[object]:
    return [FakeModel, *blocks]
