"""A conversation with an agent, for tests of what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from octo import Message, Settings, block
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


HARM = calls(("act", {"what": "harm"}), ("act", {"what": "good"}))


async def crashed(services: Any) -> dict[str, Any]:
    """A run whose process ends while it waits for a person; returns its request."""
    async with app(flow(tool=GUARDED), services, HARM) as found:
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(found.call("f", {"text": "go"}, vars=CHAT))
            request = await told("tool_authorization")
            first.cancel()
        await asyncio.sleep(0)
    return request


STOPPING = "[{type: validate, rules: [{expr: 'false', message: gone}]}]"
