"""The wire of Gemini: `generateContent`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx2
from google.genai import Client
from google.genai.types import HttpOptions
from pydantic_ai import messages as library
from pydantic_ai.embeddings.google import GoogleEmbeddingModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.providers.google import GoogleProvider

from octo.ai.conversation import StopReason, ToolResult
from octo.ai.llm import settings
from octo.ai.llm.wires import clients
from octo.ai.llm.wires.asked import requested
from octo.ai.llm.wires.bridge import STOPS, Bridge, raw_reason
from octo.ai.llm.wires.faults import malformed
from octo.ai.llm.wires.wired import Wired
from octo.core import codec

NAME = "llm-gemini"
_BROKEN_CALLS = ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL")


class _Model(GoogleModel):
    """Sends one request for a call: the vendor's library would go on with an answer in as many as it takes."""

    async def _build_content_and_config(self, *args: Any) -> Any:
        contents, config = await super()._build_content_and_config(*args)
        config["automatic_continuation"] = False
        return contents, config


class _Form:
    name = NAME
    files: frozenset[str] | None = None
    forcing: dict[str, Any] = {}  # noqa: RUF012  nothing is added to it
    thoughts = 0

    def result(self, result: ToolResult) -> tuple[object, bool]:
        if result.is_error:
            return result.content, True
        try:
            value = codec.read(result.content)
        except codec.NotJson:
            value = None
        # Gemini takes an object as it is, and anything else in one. It looks for what a `$ref` refers to.
        is_plain = isinstance(value, dict) and '"$ref"' not in result.content
        return (value if is_plain else {"result": result.content}), False

    def stop(self, response: library.ModelResponse, *, streamed: bool) -> StopReason | None:  # noqa: ARG002
        reason = raw_reason(response)
        if reason in _BROKEN_CALLS:
            raise malformed(f"the model made a call that Gemini cannot read ({reason})")
        if response.finish_reason is not None or reason:
            return STOPS.get(response.finish_reason, "content_filter")
        return None

    def needs_back(self, part: library.ModelResponsePart, *, calls: bool) -> bool:  # noqa: ARG002
        details = getattr(part, "provider_details", None) or {}
        return "thought_signature" in details or bool(getattr(part, "signature", None))


def wire(given: settings.Gemini, http: httpx2.AsyncClient) -> Wired:
    http.event_hooks = {**http.event_hooks, "response": [*http.event_hooks["response"], _escape]}
    checked = clients.context(given.tls)  # the library makes two more clients, which are not used
    sdk = Client(
        vertexai=False,
        api_key=given.api_key.get_secret_value(),
        http_options=HttpOptions(
            base_url=given.base_url or None,
            headers=given.headers,
            timeout=int(given.timeout.total_seconds() * 1000),
            httpx_async_client=http,
            client_args={"verify": checked},
            async_client_args={"verify": checked, "ssl": checked},
        ),
    )
    # What turns thinking off differs from model to model: the library knows.
    thinking: dict[str, object] = {"thinking": False}
    if given.thinking != "off":
        budget = -1 if given.thinking_budget is None else given.thinking_budget
        thinking = {"google_thinking_config": {"thinking_budget": budget, "include_thoughts": True}}
    provider = GoogleProvider(client=sdk)
    model = _Model(given.model, provider=provider)
    asked = requested(given, **thinking)
    bridge = Bridge(model, _Form(), asked, native_schema=True)
    return Wired(bridge, given, http.aclose, partial(GoogleEmbeddingModel, provider=provider))


async def _escape(response: httpx2.Response) -> None:
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Escaped(response.stream)


_BREAKS = {"\u0085".encode(): b"\\u0085", "\u2028".encode(): b"\\u2028", "\u2029".encode(): b"\\u2029"}


class _Escaped(httpx2.AsyncByteStream):
    """An answer in JSON without the characters that Unicode calls the end of a line, but JSON does not.

    The vendor's library reads a stream line by line, and takes a text with one of them for two lines.
    """

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        kept = b""
        async for chunk in self._stream:
            data = kept + chunk
            # The first bytes of a character, whose others are in the next chunk.
            kept = next((end for end in (data[-2:], data[-1:]) if any(c.startswith(end) for c in _BREAKS)), b"")
            data = data[: len(data) - len(kept)]
            for character, escaped in _BREAKS.items():
                data = data.replace(character, escaped)
            yield data
        if kept:
            yield kept

    async def aclose(self) -> None:
        await self._stream.aclose()
