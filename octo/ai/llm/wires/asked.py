"""Settings of a request that all providers know."""

from __future__ import annotations

from typing import Any

from octo.ai.llm import settings


def requested(given: settings.Provider, **more: Any) -> Any:
    """Those of every request of a connector, in the library's words; what is None is left out."""
    known = {
        "max_tokens": given.answer,
        "temperature": given.temperature,
        "top_p": given.top_p,
        # The library would else tell the model how it marks its own messages.
        "framing_announcement": "never",
        **more,
    }
    return {name: value for name, value in known.items() if value is not None}
