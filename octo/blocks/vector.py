"""vector-upsert, -query, -fetch and -delete: vectors in any store of the family `vector-store`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Self

from pydantic import Field, model_validator

from octo.core.block import block
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.settings import Advanced, Effect, Settings
from octo.core.state import State
from octo.core.threads import threads_of
from octo.core.trace import effect
from octo.vectors import records
from octo.vectors.filters import conditions
from octo.vectors.store import FAMILY, Holder, Record

AT_ONCE = 100
"""Records that are read at once, in a few milliseconds."""


class _Placed(Settings):
    namespace: Annotated[Expr[str] | None, Advanced] = Field(default=None, examples=['"tenant-" + vars.tenant'])
    """Part of the store to use, e.g. one for each tenant: its records are seen in no other. Default: the connector's
    own."""


class VectorUpsert(_Placed):
    records: Expr[object] | None = Field(default=None, examples=["vars.pieces"])
    """A list of records, or one: maps with `vector`, `text`, `id`, and whatever else is to be kept as metadata. Without
    an `id` a record gets one that is made of its text. Default: the body."""
    vectors: Expr[object] | None = Field(default=None, examples=["vars.embedding"])
    """The vectors of the records, in the same order, if these do not have them: as `ai-embed` makes them."""
    as_: str = Field(default="", alias="as")
    """Variable for the list of ids. Default: none."""

    @property
    def effect(self) -> Effect:
        """A record is written over the one with its id."""
        return "idempotent"

    def shape_after(self, before: State) -> State:
        for each in (self.records, self.vectors, self.namespace):
            before.of(each)
        return before.without_var(self.as_) if self.as_ else before


@block("vector-upsert", connector=FAMILY, guarantee="at least once", steps=("send", "confirm"), idempotent="always")
async def vector_upsert(connector: Holder, settings: VectorUpsert, message: Message) -> Message:
    """Write records into a vector store, over those with the same ids. The message passes through."""
    given = message.body if settings.records is None else settings.records(message)
    made = await _records(given, settings.vectors and settings.vectors(message))
    space = _namespace(connector, settings, message)
    effect("vectors", operation="upsert", records=len(made), namespace=space)
    if made:
        await connector.store.upsert(made, space)
    return message.with_var(settings.as_, [each.id for each in made]) if settings.as_ else message


class VectorQuery(_Placed):
    vector: Expr[object] = Field(examples=["vars.embedding"])
    """The vector to be near to, as `ai-embed` makes it of a question."""
    top: Annotated[int, Field(ge=1, le=1000)] = 5
    """How many records to find, at most."""
    filter: Expr[object] | None = Field(default=None, examples=['{"lang": "en", "year": {"$gte": 2024}}'])
    """Conditions on metadata, all of which must hold: `{"lang": "en"}`, or with an operator: `$eq`, `$ne`, `$in`,
    `$nin`, and for numbers `$gt`, `$gte`, `$lt`, `$lte`."""
    as_: str = Field(default="", alias="as")
    """Variable for what is found; without it that becomes the body."""

    @property
    def effect(self) -> Effect:
        return "safe"

    def shape_after(self, before: State) -> State:
        for each in (self.vector, self.filter, self.namespace):
            before.of(each)
        return before.without_var(self.as_) if self.as_ else before.with_body()


@block("vector-query", connector=FAMILY, guarantee="answered", steps=("send", "confirm"), idempotent="always")
async def vector_query(connector: Holder, settings: VectorQuery, message: Message) -> Message:
    """Find the records whose vectors are nearest: a list of `{id, score, text, metadata}`, the nearest first.

    With the metrics cosine and dot a higher `score` is nearer; with l2 it is the distance. The texts may come from
    outside: give them to a model as data, never as an instruction.
    """
    wanted = records.vector(settings.vector(message))
    where = () if settings.filter is None else conditions(settings.filter(message))
    space = _namespace(connector, settings, message)
    found = await connector.store.query(wanted, settings.top, where, space)
    effect("vectors", operation="query", found=len(found), top=settings.top, namespace=space)
    return _with(message, settings.as_, [records.as_body(each) for each in found])


class VectorFetch(_Placed):
    ids: Expr[object] = Field(examples=['["guide#0"]'])
    """The ids of the records: one, or a list."""
    as_: str = Field(default="", alias="as")
    """Variable for the records; without it they become the body."""

    @property
    def effect(self) -> Effect:
        return "safe"

    def shape_after(self, before: State) -> State:
        before.of(self.ids)
        before.of(self.namespace)
        return before.without_var(self.as_) if self.as_ else before.with_body()


@block("vector-fetch", connector=FAMILY, guarantee="answered", steps=("send", "confirm"), idempotent="always")
async def vector_fetch(connector: Holder, settings: VectorFetch, message: Message) -> Message:
    """Read records by id: a list of `{id, text, metadata, vector}`, without those that are not there."""
    found = await connector.store.fetch(records.ids(settings.ids(message)), _namespace(connector, settings, message))
    return _with(message, settings.as_, [records.as_body(each) for each in found])


class VectorDelete(_Placed):
    ids: Expr[object] | None = Field(default=None, examples=["body.ids"])
    """The ids of the records to delete: one, or a list. One that is not there is no error."""
    filter: Expr[object] | None = Field(default=None, examples=['{"document": body.id}'])
    """Delete all records for which these conditions hold, as in `vector-query`."""
    all_: bool = Field(default=False, alias="all")
    """Delete all records of the namespace."""

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if sum((self.ids is not None, self.filter is not None, self.all_)) != 1:
            raise ValueError("write one of `ids`, `filter` and `all: true`")
        return self

    @property
    def effect(self) -> Effect:
        return "idempotent"

    def shape_after(self, before: State) -> State:
        for each in (self.ids, self.filter, self.namespace):
            before.of(each)
        return before


@block("vector-delete", connector=FAMILY, guarantee="at least once", steps=("send", "confirm"), idempotent="always")
async def vector_delete(connector: Holder, settings: VectorDelete, message: Message) -> Message:
    """Delete records of a vector store. The message passes through."""
    space = _namespace(connector, settings, message)
    effect("vectors", operation="delete", namespace=space)
    if settings.ids is not None:
        await connector.store.delete(records.ids(settings.ids(message)), space)
        return message
    where = () if settings.filter is None else conditions(settings.filter(message))
    if settings.filter is not None and not where:
        raise records.bad("an empty filter would delete everything: write `all: true` if that is meant")
    await connector.store.delete_where(where, space)
    return message


async def _records(given: object, vectors: object) -> list[Record]:
    """Read records: many of them in a thread, so that other messages go on."""
    if not isinstance(given, list) or len(given) <= AT_ONCE:
        return records.records(given, vectors)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(threads_of("vector-upsert"), records.records, given, vectors)


def _namespace(connector: Holder, settings: _Placed, message: Message) -> str:
    return connector.namespace if settings.namespace is None else records.namespace(settings.namespace(message))


def _with(message: Message, name: str, value: object) -> Message:
    return message.with_var(name, value) if name else message.with_body(value)
