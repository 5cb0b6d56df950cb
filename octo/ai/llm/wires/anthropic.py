"""The wire of Anthropic: the Messages API."""

from __future__ import annotations

from typing import Any

import httpx2
from anthropic import AsyncAnthropic
from pydantic_ai import messages as library
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

from octo.ai.conversation import StopReason, ToolResult
from octo.ai.llm import settings
from octo.ai.llm.wires.asked import requested
from octo.ai.llm.wires.bridge import IMAGES, STOPS, Bridge, raw_reason
from octo.ai.llm.wires.wired import Wired

NAME = "llm-anthropic"


class _Client(AsyncAnthropic):
    """Sends the key as `x-api-key`, which all gateways know; the vendor's library takes a bearer token by now."""

    @property
    def auth_headers(self) -> dict[str, str]:
        return {"X-Api-Key": self.api_key or ""}


class _Form:
    name = NAME
    files: frozenset[str] | None = IMAGES | {"application/pdf"}

    def __init__(self, *, thinks: bool, thoughts: int = 0) -> None:
        # The API refuses both together, and a block that makes the model call a tool cannot do without.
        self.forcing: dict[str, Any] = {"anthropic_thinking": {"type": "disabled"}} if thinks else {}
        self.thoughts = thoughts

    def result(self, result: ToolResult) -> tuple[object, bool]:
        # The API refuses a block of text without any.
        return result.content if result.content.strip() else "(no content)", result.is_error

    def stop(self, response: library.ModelResponse, *, streamed: bool) -> StopReason | None:  # noqa: ARG002
        reason = raw_reason(response)
        if reason == "refusal":
            return "refusal"
        return STOPS.get(response.finish_reason, "end_turn") if reason else None

    def needs_back(self, part: library.ModelResponsePart, *, calls: bool) -> bool:  # noqa: ARG002
        return isinstance(part, library.ThinkingPart) and part.signature is not None


def wire(given: settings.Anthropic, http: httpx2.AsyncClient) -> Wired:
    sdk = _Client(
        api_key=given.api_key.get_secret_value(),
        base_url=given.base_url or None,
        http_client=http,
        max_retries=0,
        timeout=given.timeout.total_seconds(),
        open_telemetry=False,
    )
    sdk._custom_headers = given.headers  # noqa: SLF001  those of the environment may be for another server
    thinking: dict[str, object] | None = None
    if given.thinking == "adaptive":
        thinking = {"type": "adaptive"}
    elif given.thinking == "budgeted":
        thinking = {"type": "enabled", "budget_tokens": given.thinking_budget}
    model = AnthropicModel(given.model, provider=AnthropicProvider(anthropic_client=sdk))
    form = _Form(thinks=thinking is not None, thoughts=given.thinking_budget or 0)
    bridge = Bridge(model, form, requested(given, anthropic_thinking=thinking))
    return Wired(bridge, given, http.aclose)
