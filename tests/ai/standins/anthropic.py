"""The Messages API of Anthropic."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from tests.ai.standins.server import (
    BASE64,
    FILLED,
    NO_CHOICE,
    OBJECT,
    POSITIVE,
    TEXT,
    YES,
    Refusal,
    Request,
    Says,
    Standin,
    const,
    many,
    misfit,
    record,
    tagged,
)

NAME = {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,128}$"}
ID = {"type": "string", "pattern": "^[a-zA-Z0-9_-]+$"}
CACHE = {"cache_control": record({"type": const("ephemeral")}, {"ttl": {"enum": ["5m", "1h"]}})}
TEXT_BLOCK = record({"type": const("text"), "text": {"type": "string", "pattern": r"\S"}}, CACHE)
SOURCE = record({"type": const("base64"), "media_type": TEXT, "data": BASE64})
IMAGE = record({"type": const("image"), "source": SOURCE}, CACHE)
DOCUMENT = record(
    {
        "type": const("document"),
        "source": tagged(
            "type", SOURCE, record({"type": const("text"), "media_type": const("text/plain"), "data": TEXT})
        ),
    },
    {"title": TEXT, "context": TEXT, **CACHE},
)
RESULT = record(
    {"type": const("tool_result"), "tool_use_id": ID},
    {"content": {"anyOf": [TEXT, many(tagged("type", TEXT_BLOCK, IMAGE, DOCUMENT), 0)]}, "is_error": YES, **CACHE},
)
USE = record({"type": const("tool_use"), "id": ID, "name": NAME, "input": OBJECT}, CACHE)
THINKING = record({"type": const("thinking"), "thinking": TEXT, "signature": FILLED})
REDACTED = record({"type": const("redacted_thinking"), "data": FILLED})
CONTENT = tagged("type", TEXT_BLOCK, IMAGE, DOCUMENT, RESULT, USE, THINKING, REDACTED)
MESSAGE = record({"role": {"enum": ["user", "assistant"]}, "content": {"anyOf": [FILLED, many(CONTENT)]}})
SCHEMA = record(
    {"model": FILLED, "max_tokens": POSITIVE, "messages": many(MESSAGE)},
    {
        "system": {"anyOf": [TEXT, many(TEXT_BLOCK, 0)]},
        "stream": YES,
        "temperature": {"type": "number", "minimum": 0, "maximum": 1},
        "top_p": {"type": "number"},
        "top_k": {"type": "integer"},
        "stop_sequences": many(TEXT, 0),
        "metadata": record({}, {"user_id": TEXT}),
        "thinking": tagged(
            "type",
            record(
                {"type": const("enabled"), "budget_tokens": {"type": "integer", "minimum": 1024}}, {"display": TEXT}
            ),
            record({"type": const("adaptive")}, {"display": TEXT}),
            record({"type": const("disabled")}),
        ),
        "tools": many(record({"name": NAME, "input_schema": NO_CHOICE}, {"description": TEXT, "type": TEXT, **CACHE})),
        "tool_choice": tagged(
            "type",
            record({"type": const("auto")}, {"disable_parallel_tool_use": YES}),
            record({"type": const("any")}, {"disable_parallel_tool_use": YES}),
            record({"type": const("none")}),
            record({"type": const("tool"), "name": NAME}, {"disable_parallel_tool_use": YES}),
        ),
        "output_config": OBJECT,
    },
)
KINDS = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
KINDS |= {413: "request_too_large", 429: "rate_limit_error", 500: "api_error", 503: "overloaded_error"}
KINDS |= {529: "overloaded_error"}
SIGNATURE = "c2lnbmVkIHRob3VnaHRz"
STOPS = {"end": "end_turn", "max_tokens": "max_tokens", "content_filter": "refusal"}


class Anthropic(Standin):
    def check(self, request: Request) -> None:
        if (request.method, request.path) != ("POST", "/v1/messages"):
            raise Refusal(404, f"{request.path} not found")
        if request.headers.get("x-api-key") != self.key:
            raise Refusal(
                401, "invalid x-api-key" if "x-api-key" in request.headers else "x-api-key header is required"
            )
        if not request.headers.get("anthropic-version"):
            raise Refusal(400, "anthropic-version: header is required")
        fault = misfit(SCHEMA, request.body)
        if fault is not None and fault.unknown:
            where = f"{fault.path}.{fault.unknown}".strip(".")
            raise Refusal(400, f"{where}: Extra inputs are not permitted")
        if fault is not None:
            raise Refusal(400, f"{fault.path}: {fault.message}")
        self._rules(request.body)

    def _rules(self, body: dict[str, Any]) -> None:
        thinking = body.get("thinking", {}).get("type", "disabled")
        choice = body.get("tool_choice", {}).get("type")
        faults = {
            "tool_choice may only be specified while providing tools": choice and not body.get("tools"),
            'messages: first message must use the "user" role': body["messages"][0]["role"] != "user",
        }
        if thinking != "disabled":
            faults |= {
                "Thinking may not be enabled when tool_choice forces tool use.": choice in ("any", "tool"),
                "`temperature` may only be set to 1 when thinking is enabled.": body.get("temperature", 1) != 1,
                "`max_tokens` must be greater than `thinking.budget_tokens`.": body["thinking"].get("budget_tokens", 0)
                >= body["max_tokens"],
            }
        for text, is_one in faults.items():
            if is_one:
                raise Refusal(400, text)
        self._calls(body["messages"])

    def _calls(self, messages: list[dict[str, Any]]) -> None:
        """Each call has its result in the next message, and thoughts are those that were signed."""
        waiting: set[str] = set()
        for index, message in enumerate([*messages, {"content": []}]):
            blocks = message["content"] if isinstance(message["content"], list) else []
            results = {each["tool_use_id"] for each in blocks if each["type"] == "tool_result"}
            if waiting - results:
                raise Refusal(400, f"messages.{index}: `tool_use` ids were found without `tool_result` blocks")
            if results - waiting:
                raise Refusal(400, f"messages.{index}: unexpected `tool_use_id` found in `tool_result` blocks")
            uses = [each["id"] for each in blocks if each["type"] == "tool_use"]
            if len(uses) != len(set(uses)):
                raise Refusal(400, f"messages.{index}: `tool_use` ids must be unique")
            waiting = set(uses)
            if any(each["type"] == "thinking" and each["signature"] != SIGNATURE for each in blocks):
                raise Refusal(400, f"messages.{index}: Invalid `signature` in `thinking` block")

    def error(self, status: int, message: str) -> object:
        error = {"type": KINDS.get(status, "api_error"), "message": message}
        return {"type": "error", "error": error, "request_id": "req_1"}

    def error_event(self, status: int, message: str) -> str:
        return _event("error", error={"type": KINDS.get(status, "api_error"), "message": message})

    def answer(self, request: Request, says: Says) -> object:
        return {**_message(request, says), "content": [block for block, _ in _blocks(says)]}

    def events(self, request: Request, says: Says) -> list[str]:
        message = _message(request, says)
        began = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
        found = [_event("message_start", message=began), _event("ping")]
        for index, (block, deltas) in enumerate(_blocks(says)):
            empty = {
                **block,
                **{
                    each: {} if each == "input" else ""
                    for each in ("text", "thinking", "signature", "input")
                    if each in block
                },
            }
            found.append(_event("content_block_start", index=index, content_block=empty))
            found += [_event("content_block_delta", index=index, delta=delta) for delta in deltas]
            found.append(_event("content_block_stop", index=index))
        delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
        found.append(_event("message_delta", delta=delta, usage={"output_tokens": says.output_tokens}))
        found.append(_event("message_stop"))
        return found


_ids = count(1)


def _event(type: str, **more: object) -> str:
    return f"event: {type}\ndata: {json.dumps({'type': type, **more}, ensure_ascii=False)}\n\n"


def _message(request: Request, says: Says) -> dict[str, Any]:
    stop = STOPS[says.stop]
    if says.calls and says.stop == "end":
        stop = "tool_use"
    if says.refusal:
        stop = "refusal"
    return {
        "id": f"msg_{next(_ids)}",
        "type": "message",
        "role": "assistant",
        "model": request.body["model"],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {
            "input_tokens": says.input_tokens - says.cached_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": says.cached_tokens,
            "output_tokens": says.output_tokens,
        },
    }


def _blocks(says: Says) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The blocks of an answer, each with the deltas that build it."""
    found = []
    if says.thinking:
        deltas = [{"type": "thinking_delta", "thinking": each} for each in halves(says.thinking)]
        deltas.append({"type": "signature_delta", "signature": SIGNATURE})
        found.append(({"type": "thinking", "thinking": says.thinking, "signature": SIGNATURE}, deltas))
    if text := says.text or says.refusal:
        deltas = [{"type": "text_delta", "text": each} for each in halves(text)]
        found.append(({"type": "text", "text": text}, deltas))
    for call in says.calls:
        block = {"type": "tool_use", "id": call.id or f"toolu_{next(_ids)}", "name": call.name}
        deltas = [{"type": "input_json_delta", "partial_json": each} for each in ("", *halves(call.arguments))]
        try:
            written = json.loads(call.arguments)
        except ValueError:
            written = {}  # the API itself parses what a model writes, but not in a stream
        found.append(({**block, "input": written}, deltas))
    return found


def halves(text: str) -> list[str]:
    middle = (len(text) + 1) // 2
    return [each for each in (text[:middle], text[middle:]) if each]
