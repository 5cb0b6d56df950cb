"""The settings of a `pgvector` connector."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from octo.core.durations import Duration
from octo.core.settings import Advanced, Reaches, Secret, Settings
from octo.vectors.store import Metric

_PORTS = (("postgres", 5432), ("postgresql", 5432))
INDEXED = 2000
"""The longest vectors that pgvector can index."""


class Table(Settings):
    dsn: Annotated[Secret, Reaches(_PORTS)] = Field(examples=["postgres://octo:password@localhost:5432/octo"])
    """The database: `postgres://user:password@host:5432/name`."""
    password: Secret | None = None
    """The password, if it is not part of `dsn`."""
    dimension: Annotated[int, Field(ge=1, le=16_000)]
    """Length of the vectors: that of the embedding model."""
    metric: Metric = "cosine"
    """What is near: `cosine` compares the angle, as most embedding models are made for, `l2` the distance, `dot` the
    product."""
    table: str = Field(default="octo_vectors", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,40}$")
    """The table. Vectors of another model belong into another one."""
    create: bool = True
    """Whether to make the table, its index and the extension `vector` where they are missing."""
    index: Literal["hnsw", "none"] | None = None
    """The index of a table that is made. `hnsw` finds neighbours among millions, now and then not the very nearest;
    `none` compares with every vector. Default: `hnsw`, for vectors of at most 2,000 numbers."""
    namespace: str = Field(default="", max_length=256)
    """The part of the table to use where a block names none."""
    max_connections: Annotated[int, Field(ge=1, le=1000), Advanced] = 10
    """At most this many connections are open at once."""
    timeout: Annotated[Duration, Advanced] = timedelta(seconds=30)
    """How long a call may take, the wait for a connection included."""

    @field_validator("dsn")
    @classmethod
    def _is_an_address(cls, dsn: Secret) -> Secret:
        if not dsn.get_secret_value().startswith(("postgres://", "postgresql://")):
            raise PydanticCustomError("dsn", "write `dsn` as `postgres://user:password@host:5432/name`")
        return dsn

    @model_validator(mode="after")
    def _can_be_indexed(self) -> Self:
        if self.index == "hnsw" and self.dimension > INDEXED:
            raise ValueError(f"`hnsw` takes vectors of at most {INDEXED:,} numbers: write `index: none`")
        return self

    @property
    def is_indexed(self) -> bool:
        return self.index == "hnsw" or (self.index is None and self.dimension <= INDEXED)
