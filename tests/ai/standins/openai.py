"""Chat Completions and Embeddings, as OpenAI, OpenRouter and Ollama have them."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from tests.ai.standins.anthropic import halves
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
    Standin,
    const,
    many,
    misfit,
    record,
    tagged,
)

NAME = {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"}
DATA_URL = {"type": "string", "pattern": "^data:[^;]+;base64,[A-Za-z0-9+/]+=*$"}
TEXT_PART = record({"type": const("text"), "text": TEXT})
PARTS = tagged(
    "type",
    TEXT_PART,
    record({"type": const("image_url"), "image_url": record({"url": DATA_URL}, {"detail": TEXT})}),
    record({"type": const("file"), "file": record({"file_data": DATA_URL, "filename": FILLED})}),
    record({"type": const("input_audio"), "input_audio": record({"data": TEXT, "format": TEXT})}),
)
CALL = record(
    {"id": FILLED, "type": const("function"), "function": record({"name": NAME, "arguments": TEXT})},
)
ASSISTANT = record(
    {"role": const("assistant")},
    {"content": {"anyOf": [TEXT, {"type": "null"}, many(TEXT_PART)]}, "tool_calls": many(CALL), "refusal": TEXT}
    | {"reasoning_content": TEXT, "reasoning": TEXT},
)
MESSAGES = (
    record({"role": const("system"), "content": {"anyOf": [TEXT, many(TEXT_PART)]}}),
    record({"role": const("developer"), "content": {"anyOf": [TEXT, many(TEXT_PART)]}}),
    record({"role": const("user"), "content": {"anyOf": [TEXT, many(PARTS)]}}),
    ASSISTANT,
    record({"role": const("tool"), "tool_call_id": FILLED, "content": {"anyOf": [TEXT, many(TEXT_PART)]}}),
)
TOOL = record(
    {
        "type": const("function"),
        "function": record(
            {"name": NAME},
            {"description": TEXT, "parameters": PARAMETERS, "strict": YES},
        ),
    }
)
CHOICE = {
    "anyOf": [
        {"enum": ["none", "auto", "required"]},
        record({"type": const("function"), "function": record({"name": NAME})}),
    ]
}
FORMAT = tagged(
    "type",
    record({"type": const("text")}),
    record({"type": const("json_object")}),
    record(
        {
            "type": const("json_schema"),
            "json_schema": record({"name": NAME, "schema": OBJECT}, {"description": TEXT, "strict": YES}),
        }
    ),
)
EVERYWHERE = {
    "stream": YES,
    "stream_options": record({}, {"include_usage": YES}),
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    "top_p": {"type": "number"},
    "seed": {"type": "integer"},
    "stop": {"anyOf": [TEXT, many(TEXT)]},
    "frequency_penalty": {"type": "number"},
    "presence_penalty": {"type": "number"},
    "tools": many(TOOL),
    "tool_choice": CHOICE,
    "response_format": FORMAT,
}
EMBEDDINGS = record(
    {"model": FILLED, "input": {"anyOf": [FILLED, many(FILLED)]}},
    {"dimensions": POSITIVE, "encoding_format": {"enum": ["float", "base64"]}, "user": TEXT},
)
STOPS = {"end": "stop", "max_tokens": "length", "content_filter": "content_filter"}


class OpenAI(Standin):
    base = "/v1"
    own: dict[str, Any] = {
        "max_completion_tokens": POSITIVE,
        "reasoning_effort": {"enum": ["none", "minimal", "low", "medium", "high", "xhigh"]},
        "parallel_tool_calls": YES,
        "store": YES,
        "user": TEXT,
        "metadata": OBJECT,
    }
    """The fields that only this API has."""

    def check(self, request: Request) -> None:
        self.check_login(request)
        kind = request.path.removeprefix(self.base)
        if request.method != "POST" or kind not in ("/chat/completions", "/embeddings"):
            raise Refusal(404, f"Invalid URL ({request.method} {request.path})")
        schema = EMBEDDINGS if kind == "/embeddings" else self._schema
        fault = misfit(schema, request.body)
        if fault is not None and fault.unknown:
            raise Refusal(400, f"Unknown parameter: '{f'{fault.path}.{fault.unknown}'.strip('.')}'.")
        if fault is not None:
            raise Refusal(400, f"Invalid value for '{fault.path}': {fault.message}")
        if kind != "/embeddings":
            self._rules(request.body)

    def check_login(self, request: Request) -> None:
        login = request.headers.get("authorization", "")
        if login != f"Bearer {self.key}":
            raise Refusal(
                401, f"Incorrect API key provided: {login[7:]}." if login else "You didn't provide an API key."
            )

    @property
    def _schema(self) -> dict[str, Any]:
        return record({"model": FILLED, "messages": many(tagged("role", *MESSAGES))}, {**EVERYWHERE, **self.own})

    def _rules(self, body: dict[str, Any]) -> None:
        if "tool_choice" in body and "tools" not in body:
            raise Refusal(400, "'tool_choice' is only allowed when 'tools' are specified.")
        if "stream_options" in body and not body.get("stream"):
            raise Refusal(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
        waiting: set[str] = set()
        for index, message in enumerate(body["messages"]):
            if message["role"] == "tool":
                if message["tool_call_id"] not in waiting:
                    text = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
                    raise Refusal(400, f"Invalid parameter: {text}: messages[{index}]")
                waiting.discard(message["tool_call_id"])
                continue
            if waiting:
                raise Refusal(400, "An assistant message with 'tool_calls' must be followed by tool messages")
            if message["role"] == "assistant" and not message.get("content") and not message.get("tool_calls"):
                raise Refusal(400, f"Invalid value for 'content': messages[{index}]")
            waiting = {each["id"] for each in message.get("tool_calls", ())}
        if waiting:
            raise Refusal(400, "An assistant message with 'tool_calls' must be followed by tool messages")

    def error(self, status: int, message: str) -> object:
        kind = "invalid_request_error" if status < 500 and status != 429 else "server_error"
        code = {401: "invalid_api_key", 429: "rate_limit_exceeded", 404: "model_not_found"}.get(status)
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def answer(self, request: Request, says: Says) -> object:
        if request.path.endswith("/embeddings"):
            return self._embedded(request)
        message: dict[str, Any] = {"role": "assistant", "content": says.text or None, "refusal": says.refusal or None}
        message |= self.thoughts(says.thinking)
        if says.calls:
            message["tool_calls"] = [_call(each.name, each.arguments, each.id) for each in says.calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _stop(says)}
        return {**self.envelope(request), "choices": [choice], "usage": _usage(says)}

    def thoughts(self, text: str) -> dict[str, Any]:
        """Chat Completions do not tell them, but servers that have taken on the API do."""
        return {"reasoning_content": text} if text else {}

    def envelope(self, request: Request) -> dict[str, Any]:
        kind = "chat.completion.chunk" if self.is_stream(request) else "chat.completion"
        return {
            "id": f"chatcmpl-{next(_ids)}",
            "object": kind,
            "created": 1_700_000_000,
            "model": request.body["model"],
        }

    def events(self, request: Request, says: Says) -> list[str]:
        envelope = self.envelope(request)
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [self.thoughts(each) for each in halves(says.thinking)]
        deltas += [{"content": each} for each in halves(says.text)]
        deltas += [{"refusal": each} for each in halves(says.refusal)]
        for index, call in enumerate(says.calls):
            began = _call(call.name, "", call.id)
            deltas.append({"tool_calls": [{"index": index, **began}]})
            deltas += [
                {"tool_calls": [{"index": index, "function": {"arguments": each}}]} for each in halves(call.arguments)
            ]
        choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
        choices.append({"index": 0, "delta": {}, "finish_reason": _stop(says)})
        found = [_data({**envelope, "choices": [each]}) for each in choices]
        if request.body.get("stream_options", {}).get("include_usage"):
            found.append(_data({**envelope, "choices": [], "usage": _usage(says)}))
        return [*found, "data: [DONE]\n\n"]

    def _embedded(self, request: Request) -> object:
        texts = request.body["input"]
        texts = [texts] if isinstance(texts, str) else texts
        size = request.body.get("dimensions", 3)
        data = [
            {"object": "embedding", "index": index, "embedding": [float(len(text)), *[0.5] * (size - 1)]}
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        return {"object": "list", "data": data, "model": request.body["model"], "usage": usage}


class OpenRouter(OpenAI):
    base = "/api/v1"
    own = {
        "max_tokens": POSITIVE,
        "max_completion_tokens": POSITIVE,
        "reasoning": record({}, {"effort": TEXT, "max_tokens": POSITIVE, "exclude": YES, "enabled": YES}),
        "usage": record({"include": YES}),
        "provider": OBJECT,
        "user": TEXT,
    }

    def error(self, status: int, message: str) -> object:
        return {"error": {"code": status, "message": message}, "user_id": "user_1"}

    def error_event(self, status: int, message: str) -> str:
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
        error = {"code": status, "message": message}
        return _data(
            {
                "id": "gen-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "m",
                "provider": "P",
                "error": error,
                "choices": [choice],
            }
        )

    def thoughts(self, text: str) -> dict[str, Any]:
        return {"reasoning": text} if text else {}

    def envelope(self, request: Request) -> dict[str, Any]:
        return {**super().envelope(request), "provider": "Anthropic"}

    def answer(self, request: Request, says: Says) -> object:
        found: Any = super().answer(request, says)
        for each in found.get("choices", ()):
            each["native_finish_reason"] = each["finish_reason"]
        return found

    def events(self, request: Request, says: Says) -> list[str]:
        return [": OPENROUTER PROCESSING\n\n", *super().events(request, says)]


class Ollama(OpenAI):
    own = {"max_tokens": POSITIVE, "reasoning_effort": TEXT, "reasoning": OBJECT}

    def check_login(self, request: Request) -> None:
        pass

    def error(self, status: int, message: str) -> object:
        kind = "not_found_error" if status == 404 else "api_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": None}}

    def thoughts(self, text: str) -> dict[str, Any]:
        return {"reasoning": text} if text else {}


_ids = count(1)


def _data(value: object) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _call(name: str, arguments: str, id: str) -> dict[str, Any]:
    return {"id": id or f"call_{next(_ids)}", "type": "function", "function": {"name": name, "arguments": arguments}}


def _stop(says: Says) -> str:
    return "tool_calls" if says.calls and says.stop == "end" else STOPS[says.stop]


def _usage(says: Says) -> dict[str, Any]:
    return {
        "prompt_tokens": says.input_tokens,
        "completion_tokens": says.output_tokens,
        "total_tokens": says.input_tokens + says.output_tokens,
        "prompt_tokens_details": {"cached_tokens": says.cached_tokens},
    }
