"""The Gemini API: `generateContent` and embeddings. As protocol buffers do, it takes names in both spellings."""

from __future__ import annotations

import json
import re
from itertools import count
from typing import Any

from tests.ai.standins.anthropic import halves
from tests.ai.standins.server import (
    BASE64,
    FILLED,
    OBJECT,
    POSITIVE,
    TEXT,
    WHOLE,
    YES,
    Refusal,
    Request,
    Says,
    Standin,
    many,
    misfit,
    record,
)

PART = record(
    {},
    {
        "text": TEXT,
        "thought": YES,
        "thoughtSignature": BASE64,
        "inlineData": record({"mimeType": TEXT, "data": BASE64}, {"displayName": TEXT}),
        "functionCall": record({"name": FILLED}, {"id": TEXT, "args": OBJECT}),
        "functionResponse": record({"name": FILLED, "response": OBJECT}, {"id": TEXT, "parts": many(OBJECT, 0)}),
    },
)
SYSTEM = record({"parts": many(PART)}, {"role": TEXT})
CONTENT = record({"parts": many(PART), "role": {"enum": ["user", "model"]}})
FUNCTION = record({"name": FILLED}, {"description": TEXT, "parameters": OBJECT, "parametersJsonSchema": OBJECT})
SCHEMA = record(
    {"contents": many(CONTENT)},
    {
        "systemInstruction": SYSTEM,
        "tools": many(record({"functionDeclarations": many(FUNCTION)})),
        "toolConfig": record(
            {
                "functionCallingConfig": record(
                    {"mode": {"enum": ["AUTO", "ANY", "NONE", "VALIDATED"]}}, {"allowedFunctionNames": many(FILLED)}
                )
            }
        ),
        "generationConfig": record(
            {},
            {
                "maxOutputTokens": POSITIVE,
                "temperature": {"type": "number"},
                "topP": {"type": "number"},
                "responseModalities": many(TEXT),
                "responseMimeType": TEXT,
                "responseJsonSchema": OBJECT,
                "thinkingConfig": record({}, {"thinkingBudget": WHOLE, "includeThoughts": YES, "thinkingLevel": TEXT}),
            },
        ),
        "safetySettings": many(OBJECT),
    },
)
EMBED = record(
    {"content": record({"parts": many(PART)}, {"role": TEXT})},
    {"model": TEXT, "taskType": TEXT, "outputDimensionality": POSITIVE, "title": TEXT},
)
BATCH = record({"requests": many(EMBED)})
SIGNATURE = "dGhvdWdodA=="
DUMMY = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""What Gemini takes for calls that it has not made."""
STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
STATUS |= {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}
STOPS = {"end": "STOP", "max_tokens": "MAX_TOKENS", "content_filter": "SAFETY"}
_PATH = re.compile(r"/v1beta/models/([\w.-]+):(\w+)")
_FREE = ("args", "response", "parametersJsonSchema", "responseJsonSchema")
"""Fields with JSON of the user: names in them are left alone."""


class Gemini(Standin):
    def check(self, request: Request) -> None:
        found = _PATH.fullmatch(request.path)
        known = ("generateContent", "streamGenerateContent", "embedContent", "batchEmbedContents")
        if request.method != "POST" or found is None or found[2] not in known:
            raise Refusal(404, "Requested entity was not found.")
        key = request.headers.get("x-goog-api-key")
        if key != self.key:
            raise Refusal(400 if key else 403, "API key not valid. Please pass a valid API key.")
        body = camel(request.body)
        schema = {"embedContent": EMBED, "batchEmbedContents": BATCH}.get(found[2], SCHEMA)
        fault = misfit(schema, body)
        if fault is not None and fault.unknown:
            where = f" at '{fault.path}'" if fault.path else ""
            raise Refusal(
                400, f'Invalid JSON payload received. Unknown name "{fault.unknown}"{where}: Cannot find field.'
            )
        if fault is not None:
            raise Refusal(400, f"{fault.path}: {fault.message}")
        if schema is SCHEMA:
            self._rules(body)

    def _rules(self, body: dict[str, Any]) -> None:
        if body["contents"][0]["role"] != "user":
            raise Refusal(400, "Please ensure that the first content has the role 'user'.")
        waiting: list[str] = []
        for content in body["contents"]:
            results = [each["functionResponse"]["name"] for each in content["parts"] if "functionResponse" in each]
            answers = [each["functionResponse"]["response"] for each in content["parts"] if "functionResponse" in each]
            if any("$ref" in each for each in answers):
                raise Refusal(400, "Function response refers to a part that is not there.")
            if sorted(results) != sorted(waiting):
                raise Refusal(
                    400,
                    "Please ensure that the number of function response parts is equal to the number of function call "
                    "parts of the function call turn.",
                )
            calls = [each for each in content["parts"] if "functionCall" in each]
            if calls and calls[0].get("thoughtSignature") not in (SIGNATURE, DUMMY):
                raise Refusal(400, "Function call is missing a thought_signature in functionCall parts.")
            waiting = [each["functionCall"]["name"] for each in calls]
            kinds = ("text", "inlineData", "functionCall", "functionResponse")
            if any(sum(kind in part for kind in kinds) != 1 for part in content["parts"]):
                raise Refusal(400, "contents.parts must have exactly one of its kinds of data")
        if waiting:
            raise Refusal(400, "Please ensure that function call turn is followed by a function response turn.")

    def is_stream(self, request: Request) -> bool:
        return ":stream" in request.path

    def error(self, status: int, message: str) -> object:
        error: dict[str, Any] = {"code": status, "message": message, "status": STATUS.get(status, "UNKNOWN")}
        if message.startswith("API key not valid"):
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            error["details"] = [{**info, "domain": "googleapis.com"}]
        return {"error": error}

    def answer(self, request: Request, says: Says) -> object:
        if "mbed" in request.path:
            return self._embedded(request)
        parts = [part for each in _parts(says) for part in each[:1]]
        return _response(request, says, parts, id=f"r{next(_ids)}", ended=True)

    def events(self, request: Request, says: Says) -> list[str]:
        name = f"r{next(_ids)}"
        found = [_response(request, says, [part], id=name) for _, *pieces in _parts(says) for part in pieces]
        found.append(_response(request, says, [{"text": ""}], id=name, ended=True))
        return [f"data: {json.dumps(each, ensure_ascii=False)}\r\n\r\n" for each in found]

    def _embedded(self, request: Request) -> object:
        asked = camel(request.body)
        requests = asked.get("requests") or [asked]
        vectors = []
        for each in requests:
            text = "".join(part["text"] for part in each["content"]["parts"])
            vectors.append({"values": [float(len(text)), *[0.5] * (each.get("outputDimensionality", 3) - 1)]})
        return {"embeddings": vectors} if "requests" in asked else {"embedding": vectors[0]}


def camel(value: Any) -> Any:
    """The value with its names in camelCase."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    renamed = {re.sub(r"_(\w)", lambda found: found[1].upper(), name): each for name, each in value.items()}
    return {name: each if name in _FREE else camel(each) for name, each in renamed.items()}


_ids = count(1)


def _response(
    request: Request, says: Says, parts: list[dict[str, Any]], *, id: str, ended: bool = False
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if ended:
        candidate["finishReason"] = STOPS[says.stop]
    found = _PATH.search(request.path)
    assert found is not None
    return {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": says.input_tokens,
            "cachedContentTokenCount": says.cached_tokens,
            "candidatesTokenCount": says.output_tokens,
            "totalTokenCount": says.input_tokens + says.output_tokens,
        },
        "modelVersion": found[1],
        "responseId": id,
    }


def _parts(says: Says) -> list[list[dict[str, Any]]]:
    """The parts of an answer, each followed by those in which a stream has it."""
    found = []
    if says.thinking:
        whole = {"text": says.thinking, "thought": True}
        found.append([whole, *({"text": each, "thought": True} for each in halves(says.thinking))])
    if text := says.text or says.refusal:
        found.append([{"text": text}, *({"text": each} for each in halves(text))])
    for index, call in enumerate(says.calls):
        part: dict[str, Any] = {"functionCall": {"name": call.name, "args": json.loads(call.arguments)}}
        if call.id:
            part["functionCall"]["id"] = call.id
        if index == 0 and says.thinking:
            part["thoughtSignature"] = SIGNATURE
        found.append([part, part])
    return found
