"""What an author may write, and what is said about the rest."""

from __future__ import annotations

import pytest
from anthropic import AsyncAnthropic
from google import genai
from openai import AsyncOpenAI
from pydantic import ValidationError

from octo.ai.llm import settings
from octo.ai.model import FAMILY
from octo.core.secrets import masked
from tests.ai.conftest import OLLAMA, PROVIDERS


def fault(model: type[settings.Provider], **given: object) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"apiKey": "sk-1234567890", **given})
    return str(caught.value)


def test_they_are_models():
    """A block that wants a model takes any of them."""
    assert {each.cls.__octo_connector__.family for each in PROVIDERS} == {FAMILY}
    assert [each.cls.__octo_connector__.name for each in PROVIDERS] == [each.name for each in PROVIDERS]


@pytest.mark.parametrize("key", ["", "  ", None])
def test_a_key_is_needed(key):
    """An empty one is none, as a variable without a value leaves it. Ollama alone needs none."""
    for provider in PROVIDERS:
        model = provider.cls.__octo_connector__.settings
        given = {**provider.settings} if key is None else {"apiKey": key, **provider.settings}
        if provider is OLLAMA:
            model.model_validate(given)
            continue
        with pytest.raises(ValidationError, match=r"apiKey is required|Field required"):
            model.model_validate(given)


def test_defaults():
    """Those of the reference."""
    key = {"apiKey": "sk-1234567890"}

    assert settings.Anthropic.model_validate(key).model == "claude-sonnet-4-6"
    assert settings.Anthropic.model_validate(key).answer == 4096
    assert settings.OpenAI.model_validate(key).model == "gpt-5.4"
    assert settings.OpenAI.model_validate(key).answer is None
    assert settings.Gemini.model_validate(key).model == "gemini-3.5-flash"
    assert settings.OpenRouter.model_validate(key).model == "anthropic/claude-sonnet-4.5"


FAULTS = [
    (settings.OpenAI, {"modell": "x"}, "modell"),
    (settings.OpenAI, {"baseURL": "api.example.com"}, "absolute address"),
    (settings.OpenAI, {"baseURL": "https://user:pass@example.com"}, "credentials do not belong"),
    (settings.OpenAI, {"baseURL": "https://example.com:99999"}, "no address"),
    (settings.OpenAI, {"budget": {}}, "a budget without a limit"),
    (settings.OpenAI, {"budget": {"per": "1h"}}, "a budget without a limit"),
    (settings.OpenAI, {"budget": {"monney": 3}}, "monney"),
    (settings.OpenAI, {"budget": {"calls": 3, "per": "0s"}}, "longer than 0s"),
    (settings.OpenAI, {"rate": {"calls": 0}}, "greater than or equal to 1"),
    (settings.OpenAI, {"rate": {"calls": 1, "per": "0s"}}, "longer than 0s"),
    (settings.OpenAI, {"prices": {"input": -1, "output": 1}}, "greater than or equal to 0"),
    (settings.OpenAI, {"retries": 11}, "less than or equal to 10"),
    (settings.OpenAI, {"headers": {"a b": "c"}}, "not a header name"),
    (settings.OpenAI, {"headers": {"A": "b\nc"}}, "one line"),
    (settings.OpenAI, {"proxy": "proxy:3128"}, "absolute address"),
    (settings.OpenAI, {"apiKey": "sk-12345\n67890"}, "line break"),
    (settings.OpenAI, {"reasoning": "much"}, "'default', 'none'"),
    (settings.Anthropic, {"thinking": "budgeted"}, "belong together"),
    (settings.Anthropic, {"thinkingBudget": 2000}, "belong together"),
    (settings.Anthropic, {"thinking": "budgeted", "thinkingBudget": 100}, "greater than or equal to 1024"),
    (settings.Anthropic, {"thinking": "budgeted", "thinkingBudget": 4096}, "must be less"),
    (settings.Anthropic, {"thinking": "adaptive", "temperature": 0.5}, "takes no `temperature`"),
    (settings.Gemini, {"thinking": "budgeted"}, "belong together"),
    (settings.Ollama, {}, "model"),
]


@pytest.mark.parametrize(("model", "given", "text"), FAULTS)
def test_what_is_not_allowed(model, given, text):
    """The text says what is wrong, and the key is not in it."""
    said = fault(model, **given)

    assert text in said
    assert "67890" not in said


def test_keys_of_gateways_are_not_shown():
    """Headers that carry keys, and the password of a proxy."""
    given = {"headers": {"X-Portkey-Api-Key": "pk-777777", "Authorization": "Bearer tk-888888", "X-Team": "billing"}}
    given |= {"proxy": "http://user:pw-999999@proxy.test:3128"}
    settings.OpenAI.model_validate({"apiKey": "sk-1234567890", **given})

    said = masked("pk-777777 tk-888888 pw-999999 billing")

    assert said == "«secret» «secret» «secret» billing"


def test_the_homes_of_the_providers_are_those_of_their_libraries():
    """What `octo check --facts` says is reached is what the library calls."""
    client = genai.Client(api_key="k")._api_client

    assert str(AsyncOpenAI(api_key="k").base_url).rstrip("/") == settings.OPENAI
    assert str(AsyncAnthropic(api_key="k").base_url).rstrip("/") == settings.ANTHROPIC
    assert str(client._http_options.base_url).rstrip("/") == settings.GEMINI
