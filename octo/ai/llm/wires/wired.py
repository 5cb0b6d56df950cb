"""A wire of a provider: a bridge for conversations, and what makes vectors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from math import isfinite

from pydantic_ai.embeddings import EmbeddingModel, EmbeddingSettings

from octo.ai import codes, estimate
from octo.ai.conversation import Ask, Reply, Usage
from octo.ai.llm import settings
from octo.ai.llm.wires import faults
from octo.ai.llm.wires.bridge import Bridge
from octo.ai.llm.wires.faults import translated
from octo.ai.model import Embedded, Hear
from octo.core.errors import Permanent

Close = Callable[[], Awaitable[None]]


class Wired:
    """A wire that asks through a bridge.

    embedder: returns what makes vectors with a model of that name; None if the provider has no such models.
    """

    def __init__(
        self,
        bridge: Bridge,
        given: settings.Provider,
        close: Close,
        embedder: Callable[[str], EmbeddingModel] | None = None,
    ) -> None:
        self.model = given.model
        self.max_tokens = given.answer
        self._bridge = bridge
        self._close = close
        self._embedder = embedder

    async def send(self, ask: Ask, hear: Hear | None) -> Reply:
        return await self._bridge.send(ask, hear)

    async def embed(self, texts: Sequence[str], model: str, dimensions: int | None) -> Embedded:
        if self._embedder is None:
            raise Permanent("the provider has no embeddings", code=codes.NO_EMBEDDINGS)
        asked = EmbeddingSettings() if dimensions is None else EmbeddingSettings(dimensions=dimensions)
        with translated(model):
            found = await self._embedder(model).embed(list(texts), input_type="document", settings=asked)
            vectors = tuple(tuple(map(float, each)) for each in found.embeddings)
            if len(vectors) != len(texts):
                raise faults.malformed(f"{len(vectors)} vectors for {len(texts)} texts")
            if not all(each and isfinite(sum(each)) for each in vectors):
                raise faults.malformed("a vector is empty, or has what is no number")
            return Embedded(vectors, Usage(found.usage.input_tokens or estimate.text(sum(map(len, texts)))))

    async def close(self) -> None:
        await self._close()
