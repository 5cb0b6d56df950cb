"""The settings of the connectors of models: what all have in common, and what each adds."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from octo.core.budget import Budget
from octo.core.durations import Duration
from octo.core.settings import WEB, Advanced, Reaches, Secret, Settings
from octo.core.tls import ClientTls

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NAMES_A_SECRET = re.compile("authorization|cookie|token|secret|passw|credential|key$", re.IGNORECASE)
LEAST_THINKING = 1024

# Where the API of each provider is. Those that the library of the vendor knows, too, are the same there.
ANTHROPIC = "https://api.anthropic.com"
GEMINI = "https://generativelanguage.googleapis.com"
OLLAMA = "http://localhost:11434/v1"
OPENAI = "https://api.openai.com/v1"
OPENROUTER = "https://openrouter.ai/api/v1"


def _url(text: str) -> str:
    if not text:
        return text
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  raises
    except ValueError:
        raise PydanticCustomError("url", "this is no address; write e.g. `https://api.example.com/v1`") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PydanticCustomError("url", "write an absolute address, e.g. `https://api.example.com/v1`")
    if parts.username is not None:
        raise PydanticCustomError("url", "credentials do not belong into the address, which is written to logs")
    return text


def _proxy(address: Secret) -> Secret:
    text = address.get_secret_value()
    _url(text.replace(f"{urlsplit(text).netloc.rpartition('@')[0]}@", "", 1) if "@" in text else text)
    return address


def _key(value: object) -> object:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise PydanticCustomError("api_key", "apiKey is required")
    if isinstance(value, str) and _CONTROL.search(value.strip()):
        raise PydanticCustomError("api_key", "`apiKey` has a line break or control character")
    return value.strip() if isinstance(value, str) else value


def _header(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise PydanticCustomError("header", "this is not a header name")
    return name


def _one_line(value: str) -> str:
    if _CONTROL.search(value):
        raise PydanticCustomError("header", "a header value is one line without control characters")
    return value


Url = Annotated[str, AfterValidator(_url)]
ProxyUrl = Annotated[Secret, AfterValidator(_proxy)]
ApiKey = Annotated[Secret, BeforeValidator(_key)]
Line = Annotated[str, AfterValidator(_one_line)]


class Rate(Settings):
    """A limit that all flows share which use the connector."""

    calls: Annotated[int, Field(ge=1)]
    """Calls in `per`. They are spread over the time once that many have been made at once."""
    tokens: Annotated[int, Field(ge=1)] | None = None
    """Tokens in `per`, as far as they can be told before a call: those of the request are estimated."""
    per: Duration = timedelta(minutes=1)
    """The time in which so much is allowed."""

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        if not self.per:
            raise PydanticCustomError("per", "`per` must be longer than 0s")
        return self


class Prices(Settings):
    """Dollars for a million tokens."""

    input: Dollars
    """Those of requests."""
    output: Dollars
    """Those of answers, thoughts included."""
    cached: Dollars | None = None
    """Those of requests that the provider had kept. Default: as `input`."""


class Allowance(Settings):
    """What all flows together may spend through the connector."""

    money: Dollars | None = None
    """Dollars. A call whose price is not known is refused: then write it to `prices`."""
    tokens: Annotated[int, Field(ge=0)] | None = None
    """Tokens, those of requests and of answers together."""
    calls: Annotated[int, Field(ge=0)] | None = None
    """Calls. A failed call counts, and so does each time that it is tried again."""
    per: Duration | None = None
    """How long until it begins anew, e.g. `24h`. Default: it does when the connector is opened."""

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.money is None and self.tokens is None and self.calls is None:
            raise PydanticCustomError("budget", "a budget without a limit: write e.g. `money: 5`")
        if self.per is not None and not self.per:
            raise PydanticCustomError("budget", "`per` must be longer than 0s")
        return self

    @property
    def budget(self) -> Budget:
        limits = {"money": self.money, "tokens": self.tokens, "calls": self.calls}
        return Budget.model_validate({name: limit for name, limit in limits.items() if limit is not None})


class Provider(Settings):
    """What the connectors of all providers have in common."""

    api_key: Secret | None = None
    """The key of the provider."""
    model: str = ""
    """The model."""
    max_tokens: Annotated[int, Field(ge=0)] = 0
    """An answer has at most this many tokens, thoughts included. 0 means the model's own limit."""
    base_url: Annotated[Url, Reaches(WEB)] = Field(default="", alias="baseURL")
    """Where the API is, if not at the provider's own address."""
    timeout: Duration = timedelta(minutes=5)
    """How long one attempt may take, to the last piece of its answer. The flow's own deadline bounds all attempts and
    waits together."""
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    """How often a call is tried again that failed for a passing reason: no connection, 429, a status of 500 or above,
    an answer that was cut off before a piece of it was used. The provider's `Retry-After` is honoured, and no wait
    begins that cannot end before the deadline of the flow. Each attempt counts on all budgets."""
    rate: Rate | None = None
    """How many calls may begin in a time; more wait for their turn, at most until the deadline of their flow."""
    concurrency: Annotated[int, Field(ge=1)] | None = None
    """How many calls may be under way at once; more wait."""
    budget: Allowance | None = None
    """What all flows together may spend through this connector. Then calls fail with `BudgetExceeded`."""
    prices: Prices | None = None
    """What the model costs, in dollars for a million tokens, if it is not known or not what you pay."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """How much chance there is in an answer. Models that think refuse it, or ignore it."""
    top_p: Annotated[float, Field(gt=0, le=1), Advanced] | None = None
    """Choose only from the likeliest words that have this probability together. Use it or `temperature`."""
    headers: Annotated[dict[Annotated[str, AfterValidator(_header)], Line], Advanced] = Field(default_factory=dict)
    """More headers of every request, e.g. those that a gateway needs."""
    proxy: Annotated[ProxyUrl | None, Advanced, Reaches(WEB)] = None
    """The address of an HTTP proxy, with user and password if it asks for them, e.g. `http://user:password@proxy:3128`.
    By default the one that the environment names: HTTPS_PROXY, NO_PROXY."""
    tls: Annotated[ClientTls, Advanced] = ClientTls()
    """Checks of the server's certificate. By default the machine's authorities are trusted."""

    @model_validator(mode="after")
    def _hide_keys(self) -> Self:
        """Keep the keys of gateways out of logs and traces."""
        for name, value in self.headers.items():
            if _NAMES_A_SECRET.search(name):
                Secret(value)
                Secret(value.rpartition(" ")[2])  # behind the scheme, as in `Bearer ...`
        return self

    @property
    def answer(self) -> int | None:
        return self.max_tokens or None


class Anthropic(Provider):
    api_key: ApiKey
    """The key of the Claude API."""
    base_url: Annotated[Url, Reaches(WEB, home=ANTHROPIC)] = Field(default="", alias="baseURL")
    model: str = Field(default="claude-sonnet-4-6", min_length=1)
    """The model."""
    max_tokens: Annotated[int, Field(ge=1)] = 4096
    """An answer has at most this many tokens, thoughts included."""
    thinking: Literal["off", "adaptive", "budgeted"] = "off"
    """Whether the model thinks before it answers: as much as it wants (`adaptive`), or at most `thinkingBudget`."""
    thinking_budget: Annotated[int, Field(ge=LEAST_THINKING)] | None = None
    """Tokens for thoughts with `thinking: budgeted`; less than `maxTokens`."""

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        _check_budget(self.thinking, self.thinking_budget)
        if self.thinking != "off" and self.temperature is not None:
            raise PydanticCustomError("thinking", "a model that thinks takes no `temperature`: leave one of them out")
        if self.thinking_budget is not None and self.thinking_budget >= self.max_tokens:
            raise PydanticCustomError("thinking", "`thinkingBudget` is a part of `maxTokens`, and must be less")
        return self


Reasoning = Literal["default", "none", "minimal", "low", "medium", "high"]


class OpenAI(Provider):
    api_key: ApiKey
    """The key of the API. A server of your own that needs none takes any text."""
    base_url: Annotated[Url, Reaches(WEB, home=OPENAI)] = Field(default="", alias="baseURL")
    model: str = Field(default="gpt-5.4", min_length=1)
    """The model."""
    api: Literal["chat", "responses"] = "chat"
    """The API to use. `chat`, Chat Completions, is what most other servers speak; `responses` is OpenAI's newer one,
    with which a model keeps its thoughts between calls of tools."""
    reasoning: Reasoning = "none"
    """How much the model thinks before it answers. `default` leaves it to the model; choose it for models that do not
    know the setting."""


class Gemini(Provider):
    api_key: ApiKey
    """The key of the Gemini API."""
    base_url: Annotated[Url, Reaches(WEB, home=GEMINI)] = Field(default="", alias="baseURL")
    model: str = Field(default="gemini-3.5-flash", min_length=1)
    """The model."""
    thinking: Literal["off", "dynamic", "budgeted"] = "off"
    """Whether the model thinks before it answers: as much as it wants (`dynamic`), or at most `thinkingBudget`."""
    thinking_budget: Annotated[int, Field(ge=1)] | None = None
    """Tokens for thoughts with `thinking: budgeted`."""

    @model_validator(mode="after")
    def _has_budget(self) -> Self:
        _check_budget(self.thinking, self.thinking_budget)
        return self


class OpenRouter(Provider):
    api_key: ApiKey
    """The key of OpenRouter."""
    base_url: Annotated[Url, Reaches(WEB, home=OPENROUTER)] = Field(default="", alias="baseURL")
    model: str = Field(default="anthropic/claude-sonnet-4.5", min_length=1)
    """The model, with its provider in front."""
    reasoning: Reasoning = "none"
    """How much the model thinks before it answers. `default` leaves it to the model."""
    app_name: Line = ""
    """The name under which OpenRouter lists your calls."""
    site_url: Url = Field(default="", alias="siteURL")
    """The address under which OpenRouter lists your calls."""


class Ollama(Provider):
    api_key: Secret | None = None
    """The key, if the server asks for one."""
    base_url: Annotated[Url, Reaches(WEB, home=OLLAMA)] = Field(default="", alias="baseURL")
    model: str = Field(min_length=1, examples=["llama3.2"])
    """The model. The server must have it: `ollama pull llama3.2`."""


def _check_budget(thinking: str, budget: int | None) -> None:
    if (thinking == "budgeted") is (budget is None):
        raise PydanticCustomError("thinking", "`thinking: budgeted` and `thinkingBudget` belong together")
