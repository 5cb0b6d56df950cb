"""The wire of Gemini: `generateContent`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx2
from google.genai import Client
from google.genai.types import HttpOptions
from pydantic_ai import messages as library
from pydantic_ai.embeddings.google import GoogleEmbeddingModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.providers.google import GoogleProvider

from octo.ai.conversation import StopReason, ToolResult, Usage
from octo.ai.llm import settings
from octo.ai.llm.wires.bridge import STOPS, Bridge, Wired, raw_reason
from octo.ai.llm.wires.common import requested
from octo.ai.llm.wires.faults import malformed, translated
from octo.ai.model import Embedded
from octo.core import codec

NAME = "llm-gemini"
_BROKEN_CALLS = ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL")


class _Form:
    name = NAME

    def result(self, result: ToolResult) -> tuple[object, bool]:
        if result.is_error:
            return result.content, True
        try:
            value = codec.read(result.content)
        except codec.NotJson:
            value = None
        # Gemini takes an object as it is, and anything else in one.
        return (value if isinstance(value, dict) else {"result": result.content}), False

    def stop(self, response: library.ModelResponse, *, streamed: bool) -> StopReason | None:  # noqa: ARG002
        reason = raw_reason(response)
        if reason in _BROKEN_CALLS:
            raise malformed(f"the model made a call that Gemini cannot read ({reason})")
        if response.finish_reason is not None or reason:
            return STOPS.get(response.finish_reason, "content_filter")
        return None

    def needs_back(self, part: library.ModelResponsePart) -> bool:
        details = getattr(part, "provider_details", None) or {}
        return "thought_signature" in details or bool(getattr(part, "signature", None))


class _Gemini(Wired):
    provider: GoogleProvider

    async def embed(self, texts: Sequence[str], model: str, dimensions: int | None) -> Embedded:
        asked = GoogleEmbeddingModel(model, provider=self.provider)
        settings: Any = {} if dimensions is None else {"dimensions": dimensions}
        with translated(model):
            found = await asked.embed(list(texts), input_type="document", settings=settings)
            if len(found.embeddings) != len(texts):
                raise malformed(f"{len(found.embeddings)} vectors for {len(texts)} texts")
            return Embedded(tuple(found.embeddings), Usage(found.usage.input_tokens))


def wire(given: settings.Gemini, http: httpx2.AsyncClient) -> Wired:
    sdk = Client(
        vertexai=False,
        api_key=given.api_key.get_secret_value(),
        http_options=HttpOptions(
            base_url=given.base_url or None,
            headers=given.headers,
            timeout=int(given.timeout.total_seconds() * 1000),
            httpx_async_client=http,
        ),
    )
    thinking: dict[str, object] = {"thinking_budget": 0}
    if given.thinking == "dynamic":
        thinking = {"thinking_budget": -1, "include_thoughts": True}
    elif given.thinking == "budgeted":
        thinking = {"thinking_budget": given.thinking_budget, "include_thoughts": True}
    provider = GoogleProvider(client=sdk)
    model = GoogleModel(given.model, provider=provider)
    asked = requested(given, google_thinking_config=thinking)
    wired = _Gemini(Bridge(model, _Form(), asked, native_schema=True), given.model, given.answer, http.aclose)
    wired.provider = provider
    return wired
