"""Prices: the dollars of a call, by the connector's own `prices` or the list of the library genai-prices."""

from __future__ import annotations

from octo.ai.conversation import Usage
from octo.ai.llm import settings
from octo.ai.model import Prices

MILLION = 1_000_000


def own(given: settings.Prices) -> Prices:
    """The prices that an author wrote, the same for every model."""
    cached = given.input if given.cached is None else given.cached

    def price(model: str, usage: Usage) -> float:  # noqa: ARG001  a connector's prices are those of its models
        fresh = max(0, usage.input_tokens - usage.cached_tokens)
        return (fresh * given.input + usage.cached_tokens * cached + usage.output_tokens * given.output) / MILLION

    return price


def listed(provider: str, model: str) -> Prices:
    """The prices of the list that came with the library; nothing is fetched. It takes time to import.

    model: the one that is asked for first, whose place in the list is found now.
    """
    import genai_prices

    def price(model: str, usage: Usage) -> float | None:
        counted = genai_prices.Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=min(usage.cached_tokens, usage.input_tokens) or None,
        )
        try:
            return float(genai_prices.calc_price(counted, model, provider_id=provider).total_price)
        except (LookupError, ValueError):  # a model that the list does not know
            return None

    # The first question reads the list, and imports what computes; so one is asked that surely has an answer.
    genai_prices.calc_price(genai_prices.Usage(input_tokens=1), "gpt-4o", provider_id="openai")
    price(model, Usage(1))
    return price


def unknown(model: str, usage: Usage) -> float | None:  # noqa: ARG001  nobody knows
    return None
