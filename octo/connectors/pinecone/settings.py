"""The settings of a `pinecone` connector and its blocks."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from octo.core.expressions import Expr
from octo.core.settings import WEB, Advanced, Effect, Reaches
from octo.core.state import State
from octo.vendors.answered import Answered
from octo.vendors.settings import Address, Called, Key


class Index(Called):
    api_key: Key
    """The key of the project."""
    index: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", examples=["docs"])
    """The name of the index. It must exist."""
    host: Annotated[str | None, Reaches(WEB, bare="https")] = Field(
        default=None, min_length=1, examples=["docs-a1b2c3d.svc.aped-4627-b74a.pinecone.io"]
    )
    """The host of the index. Without it Pinecone is asked for it at the start."""
    dimension: Annotated[int, Field(ge=1, le=20_000)] | None = None
    """Length of the vectors, which are checked before they are sent. If Pinecone is asked at the start, its index must
    have this one."""
    namespace: str = Field(default="", max_length=256)
    """The namespace to use where a block names none."""
    control_url: Annotated[Address, Advanced, Reaches(WEB, when=("host", (None,)))] = Field(
        default="https://api.pinecone.io", alias="controlURL"
    )
    """Where to ask for the host."""

    @field_validator("host")
    @classmethod
    def _has_a_scheme(cls, host: str | None) -> str | None:
        return host if host is None or "://" in host else f"https://{host}"


class _Call(Answered):
    namespace: Annotated[Expr[str] | None, Advanced] = None
    """The namespace. Default: the connector's own."""


class Upsert(_Call):
    vectors: Expr[object] | None = None
    """A list of records, or one: maps with `id`, `values` (or `vector`), `metadata` and `text`. Default: the body."""

    @property
    def effect(self) -> Effect:
        """A record is written over the one with its id."""
        return "idempotent"

    def shape_after(self, before: State) -> State:
        before.of(self.vectors)
        before.of(self.namespace)
        return self.after(before)


class Ask(_Call):
    vector: Expr[object] = Field(examples=["vars.embedding"])
    """The vector to be near to."""
    top_k: Annotated[int, Field(ge=1, le=10_000)] = 10
    """How many records to find, at most."""
    filter: Expr[object] | None = Field(default=None, examples=['{"year": {"$gte": 2024}}'])
    """Conditions on metadata, in the language of Pinecone."""
    include_metadata: bool = True
    """Whether the matches have their metadata."""
    include_values: bool = False
    """Whether the matches have their vectors."""

    @property
    def effect(self) -> Effect:
        return "safe"

    def shape_after(self, before: State) -> State:
        for each in (self.vector, self.filter, self.namespace):
            before.of(each)
        return self.after(before)


class Fetch(_Call):
    ids: Expr[object] = Field(examples=['["guide#0"]'])
    """The ids of the records: one, or a list."""

    @property
    def effect(self) -> Effect:
        return "safe"

    def shape_after(self, before: State) -> State:
        before.of(self.ids)
        before.of(self.namespace)
        return self.after(before)


class Delete(_Call):
    ids: Expr[object] | None = Field(default=None, examples=["body.id"])
    """The ids of the records: one, or a list."""
    filter: Expr[object] | None = None
    """Delete all records for which these conditions hold, in the language of Pinecone."""
    delete_all: bool = False
    """Delete all records of the namespace."""

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if sum((self.ids is not None, self.filter is not None, self.delete_all)) != 1:
            raise ValueError("write one of `ids`, `filter` and `deleteAll: true`")
        return self

    @property
    def effect(self) -> Effect:
        return "idempotent"

    def shape_after(self, before: State) -> State:
        for each in (self.ids, self.filter, self.namespace):
            before.of(each)
        return self.after(before)
