"""The settings of a `qdrant` connector."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octo.core.settings import WEB, Reaches
from octo.vectors.store import Metric
from octo.vendors.settings import Address, Called, Key


class Collection(Called):
    url: Annotated[Address, Reaches(WEB)] = "http://localhost:6333"
    """Where Qdrant is."""
    api_key: Key | None = None
    """The key, if the server asks for one."""
    collection: str = Field(pattern=r"^[\w-]{1,200}$", examples=["docs"])
    """The name of the collection."""
    dimension: Annotated[int, Field(ge=1, le=16_000)]
    """Length of the vectors: that of the embedding model. An existing collection must have it."""
    metric: Metric = "cosine"
    """What is near: `cosine` compares the angle, as most embedding models are made for, `l2` the distance, `dot` the
    product. An existing collection must have it."""
    create: bool = True
    """Whether to make the collection if there is none."""
    namespace: str = Field(default="", max_length=256)
    """The part of the collection to use where a block names none."""
