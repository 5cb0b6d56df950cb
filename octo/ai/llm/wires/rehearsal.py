"""A rehearsal: calls that reach nobody, so that the first real one finds all imported and built.

The libraries import parts of theirs, and build the types that they read answers with, when they need them first. That
takes up to half a second, in which no flow would run.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx2

from octo.ai.conversation import Ask, Assistant, Piece, Results, Tool, ToolCall, ToolResult, User
from octo.ai.llm.wires.bridge import Wired
from octo.core.errors import OctoError

_TOOL = Tool("tool", "description", {"type": "object", "properties": {"a": {"type": "string"}}})
_ASK = Ask(
    "system",
    (
        User("text"),
        Assistant("text", (ToolCall("1", "tool", {}),)),
        Results((ToolResult("1", "tool", "{}"),)),
    ),
    (_TOOL,),
)


async def rehearse(make: Callable[[httpx2.AsyncClient], Wired]) -> None:
    """Ask the wire once for an answer and once for a stream."""
    for hear in (None, _ignore):
        wire = make(httpx2.AsyncClient(transport=httpx2.MockTransport(_answer), timeout=60.0))
        try:
            await wire.send(_ASK, hear)
        except OctoError:  # an answer that some version of a library does not like has still warmed it up
            pass
        finally:
            await wire.close()


async def _ignore(piece: Piece) -> None:
    pass


def _answer(request: httpx2.Request) -> httpx2.Response:
    path = request.url.path
    if path.endswith("/messages"):
        return _sent(request, _MESSAGE, _MESSAGE_EVENTS)
    if "enerateContent" in path:
        if "stream" in path:
            return _events(({}, _CONTENT))
        return httpx2.Response(200, json=_CONTENT)
    if path.endswith("/responses"):
        return _sent(request, _RESPONSE, _RESPONSE_EVENTS)
    return _sent(request, _COMPLETION, (_CHUNK,))


def _sent(request: httpx2.Request, answer: object, events: tuple[dict[str, object], ...]) -> httpx2.Response:
    if json.loads(request.content).get("stream"):
        return _events(events)
    return httpx2.Response(200, json=answer)


def _events(events: tuple[dict[str, object], ...]) -> httpx2.Response:
    lines = [f"event: {each['type']}\n" if "type" in each else "" for each in events]
    text = "".join(f"{line}data: {json.dumps(each)}\n\n" for line, each in zip(lines, events, strict=True) if each)
    return httpx2.Response(200, text=text, headers={"content-type": "text/event-stream"})


_USAGE = {"input_tokens": 1, "output_tokens": 1}
_MESSAGE: dict[str, object] = {
    "id": "1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "a"}, {"type": "tool_use", "id": "2", "name": "tool", "input": {}}],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": _USAGE,
}
_MESSAGE_EVENTS: tuple[dict[str, object], ...] = (
    {"type": "message_start", "message": {**_MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": _USAGE},
    {"type": "message_stop"},
)
_CALL = {"id": "2", "type": "function", "function": {"name": "tool", "arguments": "{}"}}
_COMPLETION: dict[str, object] = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "provider": "p",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "a", "tool_calls": [_CALL]},
            "finish_reason": "tool_calls",
            "native_finish_reason": "tool_calls",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
_CHUNK: dict[str, object] = {
    "id": "1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "provider": "p",
    "choices": [
        {
            "index": 0,
            "delta": {"content": "a", "tool_calls": [{"index": 0, **_CALL}]},
            "finish_reason": "tool_calls",
            "native_finish_reason": "tool_calls",
        }
    ],
}
_RESPONSE: dict[str, object] = {
    "id": "1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "output": [
        {
            "type": "message",
            "id": "2",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "a", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
_PLACE = {"output_index": 0, "item_id": "2", "content_index": 0}
_PART = {"type": "output_text", "text": "", "annotations": []}
_RESPONSE_EVENTS: tuple[dict[str, object], ...] = (
    {"type": "response.created", "response": {**_RESPONSE, "status": "in_progress", "output": []}},
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {"type": "message", "id": "2", "role": "assistant", "status": "in_progress", "content": []},
    },
    {"type": "response.content_part.added", **_PLACE, "part": _PART},
    {"type": "response.output_text.delta", **_PLACE, "delta": "a", "logprobs": []},
    {"type": "response.completed", "response": _RESPONSE},
)
_CONTENT: dict[str, object] = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"text": "a"}, {"functionCall": {"name": "tool", "args": {}}}]},
            "finishReason": "STOP",
        }
    ],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1},
    "modelVersion": "m",
}
