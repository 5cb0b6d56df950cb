"""The settings of a `vector-sqlite` connector."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from octo.core.durations import Duration
from octo.core.settings import Advanced, Settings


class File(Settings):
    path: str = Field(default=":memory:", examples=["./vectors.db"])
    """The file, relative to the folder that Octo was started in; it is made if there is none. The default keeps all in
    memory, until the connector is closed."""
    dimension: Annotated[int, Field(ge=1, le=8192)]
    """Length of the vectors: that of the embedding model, e.g. 384 or 1536."""
    metric: Literal["cosine", "l2"] = "cosine"
    """What is near: `cosine` compares the angle, as most embedding models are made for; `l2` the distance."""
    table: str = Field(default="vectors", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,50}$")
    """The table. Vectors of another model belong into another one."""
    namespace: str = Field(default="", max_length=256)
    """The part of the table to use where a block names none."""
    timeout: Annotated[Duration, Advanced] = Field(default="30s", validate_default=True)
    """How long a call may take, the wait for a lock of another process included."""
