"""Fixtures for models: the connector of each provider over a stand-in of its API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from octo.ai.llm.anthropic import Anthropic
from octo.ai.llm.gemini import Gemini
from octo.ai.llm.ollama import Ollama
from octo.ai.llm.openai import OpenAI
from octo.ai.llm.openrouter import OpenRouter
from octo.ai.model import Model
from tests.ai.standins import anthropic, gemini, openai, responses
from tests.ai.standins.server import Standin


class Provider(NamedTuple):
    """A connector class and the stand-in of its API."""

    name: str
    cls: Any
    standin: type[Standin]
    settings: dict[str, Any]
    id: str = ""

    def __str__(self) -> str:
        return self.id or self.name

    @asynccontextmanager
    async def over(self, standin: Standin, **settings: Any) -> AsyncIterator[Model]:
        """Open the connector for a server."""
        given = {"apiKey": standin.key, "baseURL": standin.base_url, "retries": 0, **self.settings, **settings}
        model = self.cls.__octo_connector__.settings.model_validate(given)
        async with self.cls.open(model) as opened:
            yield opened


ANTHROPIC = Provider("llm-anthropic", Anthropic, anthropic.Anthropic, {})
OPENAI = Provider("llm-openai", OpenAI, openai.OpenAI, {})
GEMINI = Provider("llm-gemini", Gemini, gemini.Gemini, {})
OPENROUTER = Provider("llm-openrouter", OpenRouter, openai.OpenRouter, {})
OLLAMA = Provider("llm-ollama", Ollama, openai.Ollama, {"model": "llama3.2"})
RESPONSES = Provider("llm-openai", OpenAI, responses.Responses, {"api": "responses"}, "responses")
APIS = (ANTHROPIC, OPENAI, RESPONSES, GEMINI, OPENROUTER, OLLAMA)
PROVIDERS = (ANTHROPIC, OPENAI, GEMINI, OPENROUTER, OLLAMA)


@pytest.fixture(params=APIS, ids=str)
def provider(request: pytest.FixtureRequest) -> Provider:
    """Each provider in turn, with each API that it has."""
    return request.param


@pytest.fixture
async def standin(provider: Provider) -> AsyncIterator[Standin]:
    """The API of the provider."""
    async with provider.standin().serving() as served:
        yield served


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendors' libraries read addresses and keys from the environment."""
    for name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
