"""OpenRouter: the models of many providers behind one key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from octo.ai.codes import EXPLANATIONS
from octo.ai.llm import settings
from octo.ai.llm.caller import Caller
from octo.ai.llm.connector import scripted, wired
from octo.ai.model import FAMILY, Model
from octo.ai.script.settings import Script
from octo.core.connector import connector

__all__ = ["EXPLANATIONS", "OpenRouter"]

NAME = "llm-openrouter"


@connector(NAME, family=FAMILY)
class OpenRouter(Caller):
    @classmethod
    @asynccontextmanager
    async def open(cls, settings: settings.OpenRouter) -> AsyncIterator[Self]:
        async with wired(settings, _wire, "openrouter") as (wire, prices):
            yield cls(NAME, wire, settings, prices)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: settings.OpenRouter, stub: Script) -> AsyncIterator[Self]:
        async with scripted(settings, settings.model, stub, _wire, "openrouter") as (wire, prices):
            yield cls(NAME, wire, settings, prices)


def _wire(given: settings.OpenRouter, http: Any) -> Any:
    from octo.ai.llm.wires import openai

    return openai.openrouter(given, http)


_: type[Model] = OpenRouter
