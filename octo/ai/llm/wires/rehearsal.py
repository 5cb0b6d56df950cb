"""A rehearsal: calls that reach nobody, so that the first real one finds all imported and built.

The libraries import parts of theirs, and build the types that they read answers with, when they need them first. That
takes up to half a second, in which no flow would run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import httpx2

from octo.ai.conversation import Ask, Assistant, Piece, Results, Tool, ToolCall, ToolResult, User
from octo.ai.llm.wires.wired import Wired
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
    """Ask the wire once for an answer, once for a stream, and once for a vector."""
    wire = make(httpx2.AsyncClient(transport=httpx2.MockTransport(_answer), timeout=60.0))
    try:
        for work in (wire.send(_ASK, None), wire.send(_ASK, _ignore), wire.embed(["a"], "m", None)):
            with suppress(OctoError):  # an answer that some version of a library does not like has warmed it up, too
                await work
    finally:
        await wire.close()


async def _ignore(piece: Piece) -> None:
    pass


def _answer(request: httpx2.Request) -> httpx2.Response:
    path = request.url.path
    found = (each for end, each in _ANSWERS.items() if path.endswith(end))
    answer, events = next(found, (_COMPLETION, (_CHUNK,)))
    if "stream" not in path and not json.loads(request.content).get("stream"):
        return httpx2.Response(200, json=answer)
    lines = (f"event: {each['type']}\n" if "type" in each else "" for each in events)
    text = "".join(f"{line}data: {json.dumps(each)}\n\n" for line, each in zip(lines, events, strict=True))
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
_VECTORS: dict[str, object] = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
    "model": "m",
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
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
_ANSWERS: dict[str, tuple[dict[str, object], tuple[dict[str, object], ...]]] = {
    "/messages": (_MESSAGE, _MESSAGE_EVENTS),
    "enerateContent": (_CONTENT, (_CONTENT,)),
    "/responses": (_RESPONSE, _RESPONSE_EVENTS),
    "/embeddings": (_VECTORS, ()),
    "mbedContents": ({"embeddings": [{"values": [0.5]}]}, ()),
}
"""By the end of the path: an answer, and a stream."""
