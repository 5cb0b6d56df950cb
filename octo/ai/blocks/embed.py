"""ai-embed: texts become vectors."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octo.ai import codes
from octo.ai.answering import working
from octo.ai.details import usage
from octo.ai.model import FAMILY, Model, Vector
from octo.ai.quoted import names_secret
from octo.ai.settings import Spending
from octo.core.block import Site, block
from octo.core.errors import Permanent, Transient
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.secrets import masked
from octo.core.settings import Advanced
from octo.core.spending import spending
from octo.core.state import State

MOST_TEXTS = 100_000
"""Texts of one message."""


class AiEmbed(Spending):
    text: Expr[object]
    """The text, or a list of texts, e.g. `body.question`. Known secrets are masked unless it reads `env`."""
    model: Annotated[str, Field(min_length=1, examples=["text-embedding-3-small"])]
    """The embedding model, as the provider calls it."""
    dimensions: Annotated[int, Field(ge=1)] | None = None
    """Numbers of each vector, where the model lets one choose."""
    result_var: Annotated[str, Field(min_length=1)] = "embedding"
    """Variable for the vector of a text, or for the list of vectors of a list, in its order."""
    batch: Annotated[int, Field(ge=1, le=2048), Advanced] = 100
    """Texts of one call, at most."""

    def shape_after(self, before: State) -> State:
        before.of(self.text)
        return self.told_in(before.without_var(self.result_var))


@block("ai-embed", connector=FAMILY, guarantee="answered", steps=("send", "confirm"), idempotent="always")
async def ai_embed(model: Model, settings: AiEmbed, message: Message, site: Site) -> Message:
    """Set a variable to the vector of a text, or to the vectors of a list of texts. The body stays."""
    meter = settings.meter(site)
    with working("ai-embed"):
        value = settings.text(message)
        texts = _texts(value, reveal=names_secret(settings.text))
        vectors = await spending(meter, _embedded(model, settings, texts))
    told = settings.told(message, {"model": settings.model, "usage": usage(meter)})
    return told.with_var(settings.result_var, vectors[0] if isinstance(value, str) else vectors)


def _texts(value: object, *, reveal: bool) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    if len(listed) > MOST_TEXTS:
        raise Permanent(f"{len(listed):,} texts are too many (at most {MOST_TEXTS:,})")
    texts = []
    for number, each in enumerate(listed, 1):
        if not isinstance(each, str):
            what = f"text {number} of the list" if isinstance(value, list) else "`text`"
            raise Permanent(f"{what} must be a string, got {'null' if each is None else type(each).__name__}")
        texts.append(each if reveal else masked(each))
    return texts


async def _embedded(model: Model, settings: AiEmbed, texts: list[str]) -> list[list[float]]:
    vectors: list[Vector] = []
    for start in range(0, len(texts), settings.batch):
        part = texts[start : start + settings.batch]
        found = (await model.embed(part, settings.model, settings.dimensions)).vectors
        if len(found) != len(part):
            raise Transient(f"{len(part)} texts became {len(found)} vectors", code=codes.MALFORMED)
        vectors += found
    return [list(each) for each in vectors]
