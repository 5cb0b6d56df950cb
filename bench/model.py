"""A model that costs nothing: OpenAI's chat API in process, which wants three tools called and then answers.

`python -m bench.model` prints what it takes to start a flow with a model, and what its first messages take.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any, Self

from octo.ai.llm import settings
from octo.ai.llm.caller import Caller
from octo.ai.llm.connector import wired
from octo.ai.model import FAMILY
from octo.core.connector import connector

TOKENS = 1000
"""Of a streamed answer."""
TOOLS = ("stock", "price", "weight")
TOOL = """
          - name: {name}
            description: Finds the {name} of an article by its id.
            inputSchema:
              type: object
              required: [id]
              properties: {{id: {{type: string, pattern: "^[A-Z]-[0-9]+$"}}}}
            process: [{{type: set-payload, value: '{{"id": body.id, "{name}": 42}}'}}]"""
FLOW = f"""
connectors:
  - {{name: llm, type: llm-bench, settings: {{apiKey: none}}}}
flows:
  - name: prompt
    process: [{{type: ai-prompt, connector: llm, prompt: Answer questions., input: body.question}}]
  - name: agent
    process:
      - type: ai-agent
        name: clerk
        connector: llm
        prompt: Answer questions about articles. Look up what you need.
        input: body.question
        answer: text
        tools: {"".join(TOOL.format(name=each) for each in TOOLS)}
"""
QUESTION = {"question": "What does A-17 cost, and how much is left of it?"}
ANSWER = "There are 42 of A-17 left, which cost 42 each."


def _reply(message: dict[str, Any], reason: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    usage = {"prompt_tokens": 400, "completion_tokens": 60, "total_tokens": 460}
    head = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return json.dumps(head).encode()


def _stream() -> bytes:
    head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    deltas: list[tuple[dict[str, str], str | None]] = [({"content": f" word{n}"}, None) for n in range(TOKENS)]
    chunks = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in [*deltas, ({}, "stop")]
    ]
    return b"".join(b"data: %s\n\n" % json.dumps(each).encode() for each in chunks) + b"data: [DONE]\n\n"


CALLS = [
    {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": '{"id": "A-17"}'}}
    for name in TOOLS
]
WANTS = _reply({"content": None, "tool_calls": CALLS}, "tool_calls")
SAYS = _reply({"content": ANSWER}, "stop")
STREAM = _stream()


def client() -> Any:
    """An HTTP client that reaches nobody."""
    import httpx2

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked = json.loads(request.content)
        if asked.get("stream"):
            return httpx2.Response(200, content=STREAM, headers={"content-type": "text/event-stream"})
        said = WANTS if asked.get("tools") and asked["messages"][-1]["role"] == "user" else SAYS
        return httpx2.Response(200, content=said, headers={"content-type": "application/json"})

    return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))


@connector("llm-bench", family=FAMILY)
class Bench(Caller):
    @classmethod
    @asynccontextmanager
    async def open(cls, settings: settings.OpenAI) -> AsyncIterator[Self]:
        async with wired(settings, _wire) as (wire, prices):
            yield cls("llm-bench", wire, settings, prices)


def _wire(given: settings.OpenAI, http: Any) -> Any:  # noqa: ARG001  the rehearsal has its own client
    from octo.ai.llm.wires import openai

    return openai.openai(given, client())


async def _starting() -> None:
    from octo.testing.harness import running

    began = time.process_time()
    async with running(FLOW, components=[Bench]) as app:
        times = [time.process_time()]
        for _ in range(20):
            await app.call("agent", QUESTION)
            times.append(time.process_time())
    took = [after - before for before, after in pairwise(times)]
    print(json.dumps({"start": times[0] - began, "messages": took}))


if __name__ == "__main__":
    asyncio.run(_starting())
