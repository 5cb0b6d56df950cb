"""The wires of OpenAI, of OpenRouter and Ollama, and of all other servers that speak OpenAI's API."""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx2
from openai import AsyncOpenAI
from pydantic_ai import messages as library
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.profiles import merge_profile
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers import Provider
from pydantic_ai.providers.ollama import OllamaProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openrouter import OpenRouterProvider

from octo.ai.conversation import StopReason, ToolResult
from octo.ai.llm import settings
from octo.ai.llm.wires import kin
from octo.ai.llm.wires.asked import requested
from octo.ai.llm.wires.bridge import IMAGES, STOPS, Bridge, raw_reason, refused
from octo.ai.llm.wires.faults import cut
from octo.ai.llm.wires.wired import Wired
from octo.core.settings import Secret

_FILES = IMAGES | {"application/pdf"}
_SOUNDS = frozenset(("audio/mpeg", "audio/wav"))
NO_KEY = "none"
"""What a server without keys gets: the vendor's library sends one in any case."""


class _Form:
    forcing: dict[str, Any] = {}  # noqa: RUF012  nothing is added to it
    thoughts = 0

    def __init__(self, name: str, files: frozenset[str], *, keeps_thoughts: bool = False) -> None:
        self.name = name
        self.files: frozenset[str] | None = files
        self._keeps_thoughts = keeps_thoughts

    def result(self, result: ToolResult) -> tuple[object, bool]:
        return (f"ERROR: {result.content}" if result.is_error else result.content), False

    def stop(self, response: library.ModelResponse, *, streamed: bool) -> StopReason | None:
        if refused(response):
            return "refusal"
        reason = raw_reason(response).lower()
        if reason in kin.BROKEN:
            raise cut()
        if not reason and streamed:
            return None
        return kin.STOPS.get(reason) or STOPS.get(response.finish_reason, "end_turn")

    def needs_back(self, part: library.ModelResponsePart, *, calls: bool) -> bool:
        if not isinstance(part, library.ThinkingPart):
            return False
        if self._keeps_thoughts:
            return bool(part.signature or part.provider_details)
        # DeepSeek and others refuse results of tools if the thoughts that led to the calls are gone.
        return calls and part.id in kin.THOUGHTS


def openai(given: settings.OpenAI, http: httpx2.AsyncClient) -> Wired:
    provider = OpenAIProvider(openai_client=_sdk(given, http, given.base_url or None, given.api_key))
    model: Model[Any]
    if given.api == "responses":
        model = OpenAIResponsesModel(given.model, provider=provider)
        # Nothing is left at the provider: the thoughts come back encrypted, and are sent again.
        asked = requested(given, **_reasoning(given.reasoning), openai_store=False)
    else:
        model = kin.Chat(given.model, provider=provider)
        asked = requested(given, **_reasoning(given.reasoning))
    sealed = given.api == "responses"
    form = _Form("llm-openai", _FILES if sealed else _FILES | _SOUNDS, keeps_thoughts=sealed)
    return _wired(given, Bridge(model, form, asked, native_schema=True), provider, http)


def openrouter(given: settings.OpenRouter, http: httpx2.AsyncClient) -> Wired:
    named = {"X-Title": given.app_name, "HTTP-Referer": given.site_url}
    sdk = _sdk(given, http, given.base_url or settings.OPENROUTER, given.api_key, named)
    provider = OpenRouterProvider(openai_client=sdk)
    model = kin.OpenRouter(given.model, provider=provider)
    form = _Form("llm-openrouter", _FILES | _SOUNDS, keeps_thoughts=True)
    bridge = Bridge(model, form, requested(given, **_reasoning(given.reasoning)))
    return _wired(given, bridge, provider, http)


def ollama(given: settings.Ollama, http: httpx2.AsyncClient) -> Wired:
    provider = OllamaProvider(openai_client=_sdk(given, http, given.base_url or settings.OLLAMA, given.api_key))
    known = kin.Ollama(given.model, provider=provider).profile
    # The library sends OpenAI's newer name for it, which Ollama ignores.
    profile = merge_profile(known, OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False))
    model = kin.Ollama(given.model, provider=provider, profile=profile)
    form = _Form("llm-ollama", _FILES | _SOUNDS)
    return _wired(given, Bridge(model, form, requested(given), native_schema=True), provider, http)


def _reasoning(effort: settings.Reasoning) -> dict[str, object]:
    """`none` is sent to models alone that are known to take it: it is the default, and others refuse it."""
    return {} if effort == "default" else {"thinking": effort != "none" and effort}


def _sdk(
    given: settings.Provider,
    http: httpx2.AsyncClient,
    base_url: str | None,
    key: Secret | None,
    headers: dict[str, str] | None = None,
) -> AsyncOpenAI:
    sent = {name: value for name, value in {**(headers or {}), **given.headers}.items() if value}
    sdk = kin.Sdk(
        api_key=NO_KEY if key is None else key.get_secret_value() or NO_KEY,
        base_url=base_url,
        http_client=http,
        max_retries=0,
        timeout=given.timeout.total_seconds(),
    )
    # It has read more from the environment, which is for OpenAI: other servers must not get it, a key least of all.
    sdk.organization = sdk.project = sdk.admin_api_key = None
    sdk._custom_headers = sent  # noqa: SLF001
    return sdk


def _wired(
    given: settings.Provider, bridge: Bridge, provider: Provider[AsyncOpenAI], http: httpx2.AsyncClient
) -> Wired:
    return Wired(bridge, given, http.aclose, partial(OpenAIEmbeddingModel, provider=provider))
