"""The Responses API of OpenAI."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from tests.ai.standins.anthropic import halves
from tests.ai.standins.openai import DATA_URL, NAME, OpenAI
from tests.ai.standins.server import (
    FILLED,
    OBJECT,
    PARAMETERS,
    POSITIVE,
    TEXT,
    YES,
    Refusal,
    Request,
    Says,
    const,
    many,
    misfit,
    record,
    tagged,
)

PARTS = tagged(
    "type",
    record({"type": const("input_text"), "text": TEXT}),
    record({"type": const("input_image"), "image_url": DATA_URL}, {"detail": TEXT}),
    record({"type": const("input_file"), "file_data": DATA_URL, "filename": FILLED}),
)
SAID = record(
    {"type": const("output_text"), "text": TEXT}, {"annotations": many(OBJECT, 0), "logprobs": many(OBJECT, 0)}
)
MESSAGE = record(
    {"role": {"enum": ["user", "assistant", "system", "developer"]}},
    {
        "type": const("message"),
        "content": {"anyOf": [TEXT, many(PARTS), many(SAID)]},
        "id": TEXT,
        "status": TEXT,
        "phase": TEXT,
    },
)
ITEMS = tagged(
    "type",
    MESSAGE,
    record(
        {"type": const("function_call"), "call_id": FILLED, "name": NAME, "arguments": TEXT},
        {"id": {"type": "string", "pattern": "^fc_"}, "status": TEXT},
    ),
    record(
        {"type": const("function_call_output"), "call_id": FILLED, "output": {"anyOf": [TEXT, many(PARTS)]}},
        {"id": TEXT, "status": TEXT},
    ),
    record(
        {"type": const("reasoning"), "id": {"type": "string", "pattern": "^rs_"}, "summary": many(OBJECT, 0)},
        {"encrypted_content": TEXT, "content": many(OBJECT, 0), "status": TEXT},
    ),
)
SCHEMA = record(
    {"model": FILLED, "input": many(ITEMS)},
    {
        "instructions": TEXT,
        "stream": YES,
        "include": many(const("reasoning.encrypted_content")),
        "store": YES,
        "max_output_tokens": POSITIVE,
        "temperature": {"type": "number"},
        "top_p": {"type": "number"},
        "reasoning": record({}, {"effort": TEXT, "summary": TEXT, "context": TEXT}),
        "text": record({}, {"format": OBJECT, "verbosity": TEXT}),
        "tools": many(
            record(
                {
                    "type": const("function"),
                    "name": NAME,
                    "parameters": PARAMETERS,
                },
                {"description": TEXT, "strict": YES},
            )
        ),
        "tool_choice": {
            "anyOf": [{"enum": ["none", "auto", "required"]}, record({"type": const("function"), "name": NAME})]
        },
        "parallel_tool_calls": YES,
        "truncation": TEXT,
    },
)
SEALED = "gAAAAsealed"
"""Thoughts that only OpenAI can read."""


class Responses(OpenAI):
    def check(self, request: Request) -> None:
        if request.path.endswith("/embeddings"):
            return super().check(request)
        self.check_login(request)
        if (request.method, request.path) != ("POST", "/v1/responses"):
            raise Refusal(404, f"Invalid URL ({request.method} {request.path})")
        body = {**request.body, "input": [{"type": "message", **each} for each in request.body["input"]]}
        fault = misfit(SCHEMA, body)
        if fault is not None:
            text = f"Unknown parameter: '{fault.path}.{fault.unknown}'." if fault.unknown else fault.message
            raise Refusal(400, text if fault.unknown else f"Invalid value for '{fault.path}': {text}")
        self._calls(body["input"])
        return None

    def _calls(self, items: list[dict[str, Any]]) -> None:
        waiting: set[str] = set()
        for before, item in zip([{}, *items], items, strict=False):
            kind = item["type"]
            if kind == "reasoning" and item.get("encrypted_content") != SEALED:
                raise Refusal(400, "The encrypted content could not be verified.")
            if before.get("type") == "reasoning" and kind == "function_call_output":
                raise Refusal(400, "Item of type 'reasoning' was provided without its required following item.")
            if kind == "function_call":
                waiting.add(item["call_id"])
            elif kind == "function_call_output":
                if item["call_id"] not in waiting:
                    raise Refusal(400, f"No tool call found for function call output with call_id {item['call_id']}.")
                waiting.discard(item["call_id"])
        if waiting:
            raise Refusal(400, f"No tool output found for function call {min(waiting)}.")

    def answer(self, request: Request, says: Says) -> object:
        return self._embedded(request) if "embeddings" in request.path else self._response(request, says)

    def _response(self, request: Request, says: Says, *, began: bool = False) -> dict[str, Any]:
        status, why = "completed", None
        if says.stop != "end":
            status, why = "incomplete", {"reason": {"max_tokens": "max_output_tokens"}.get(says.stop, says.stop)}
        usage = {
            "input_tokens": says.input_tokens,
            "input_tokens_details": {"cached_tokens": says.cached_tokens},
            "output_tokens": says.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": says.input_tokens + says.output_tokens,
        }
        return {
            "id": f"resp_{next(_ids)}",
            "object": "response",
            "created_at": 1_700_000_000,
            "status": "in_progress" if began else status,
            "error": None,
            "incomplete_details": None if began else why,
            "model": request.body["model"],
            "output": [] if began else _items(says),
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": None if began else usage,
        }

    def events(self, request: Request, says: Says) -> list[str]:
        done = self._response(request, says)
        found: list[tuple[str, dict[str, Any]]] = [
            ("response.created", {"response": {**self._response(request, says, began=True), "id": done["id"]}})
        ]
        for index, item in enumerate(done["output"]):
            found += _item_events(index, item)
        found.append((f"response.{done['status']}", {"response": done}))
        return [
            f"event: {name}\ndata: {json.dumps({'type': name, 'sequence_number': at, **more}, ensure_ascii=False)}\n\n"
            for at, (name, more) in enumerate(found)
        ]

    def error_event(self, status: int, message: str) -> str:
        error = {"type": "error", "code": "server_is_overloaded", "message": message, "param": None}
        return f"event: error\ndata: {json.dumps({**error, 'sequence_number': 99})}\n\n"


_ids = count(1)


def _items(says: Says) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if says.thinking:
        summary = [{"type": "summary_text", "text": says.thinking}]
        found.append({"type": "reasoning", "id": f"rs_{next(_ids)}", "summary": summary, "encrypted_content": SEALED})
    if says.text or says.refusal:
        part: dict[str, Any] = {"type": "output_text", "text": says.text, "annotations": [], "logprobs": []}
        if says.refusal:
            part = {"type": "refusal", "refusal": says.refusal}
        message = {"type": "message", "id": f"msg_{next(_ids)}", "role": "assistant", "status": "completed"}
        found.append({**message, "content": [part]})
    for call in says.calls:
        item = {"type": "function_call", "id": f"fc_{next(_ids)}", "call_id": call.id or f"call_{next(_ids)}"}
        found.append({**item, "name": call.name, "arguments": call.arguments, "status": "completed"})
    return found


def _item_events(index: int, item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """How an item is built."""
    at = {"output_index": index, "item_id": item["id"]}
    empty = {
        "reasoning": {"summary": []},
        "message": {"content": [], "status": "in_progress"},
        "function_call": {"arguments": "", "status": "in_progress"},
    }[item["type"]]
    found: list[tuple[str, dict[str, Any]]] = [
        ("response.output_item.added", {"output_index": index, "item": {**item, **empty}})
    ]
    if item["type"] == "function_call":
        name, text, more = "response.function_call_arguments", item["arguments"], {"arguments": item["arguments"]}
    elif item["type"] == "reasoning":
        name, at = "response.reasoning_summary_text", {**at, "summary_index": 0}
        (part,) = item["summary"]
        text, more = part["text"], {"text": part["text"]}
        found.append(("response.reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}))
    else:
        at = {**at, "content_index": 0}
        (part,) = item["content"]
        key = "refusal" if part["type"] == "refusal" else "text"
        name, text, more = f"response.{part['type']}", part[key], {key: part[key], "logprobs": []}
        found.append(("response.content_part.added", {**at, "part": {**part, key: ""}}))
    found += [(f"{name}.delta", {**at, "delta": each, "logprobs": []}) for each in halves(text)]
    found.append((f"{name}.done", {**at, **more}))
    found.append(("response.output_item.done", {"output_index": index, "item": item}))
    return found
