"""Ollama: models on a machine of your own."""

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

__all__ = ["EXPLANATIONS", "Ollama"]

NAME = "llm-ollama"


@connector(NAME, family=FAMILY)
class Ollama(Caller):
    @classmethod
    @asynccontextmanager
    async def open(cls, settings: settings.Ollama) -> AsyncIterator[Self]:
        async with wired(settings, _wire) as (wire, prices):
            yield cls(NAME, wire, settings, prices)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: settings.Ollama, stub: Script) -> AsyncIterator[Self]:
        async with scripted(settings, settings.model, stub, _wire) as (wire, prices):
            yield cls(NAME, wire, settings, prices)


def _wire(given: settings.Ollama, http: Any) -> Any:
    from octo.ai.llm.wires import openai

    return openai.ollama(given, http)


_: type[Model] = Ollama
