"""The stub of a database in a test: a list of answers, or the content of a small database."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from octo.core.secrets import masked
from octo.core.settings import Settings

_MOST_SHOWN = 120


def _complain(text: str) -> PydanticCustomError:
    return PydanticCustomError("stub", "{text}", {"text": text})


class Answer(Settings):
    """One answer (`rows`, `rowsAffected` or `error`), and the queries that get it."""

    query: str | None = None
    """A part of the query's text; letter case and line breaks do not matter. Between slashes it is a regular
    expression: `/^select .* from orders/`. Default: any query."""
    args: list[object] | None = None
    """The arguments that the query must have, all of them. Default: any."""
    rows: list[dict[str, object]] | None = None
    """The rows, for a block that reads; an empty list for none. A column of bytes is written `!!binary BASE64`."""
    rows_affected: int | None = Field(default=None, ge=0)
    """How many rows were changed, for a block with `exec`."""
    error: Literal["unavailable", "timeout", "constraint"] | None = None
    """Fail instead: no connection, a query that took too long (without a wait), or a violated constraint."""
    times: int | None = Field(default=None, ge=1)
    """How many queries get this answer; later ones get the next that fits. Default: all."""

    @field_validator("query")
    @classmethod
    def _is_a_pattern(cls, query: str | None) -> str | None:
        try:
            pattern(query or "")
        except re.error as error:
            raise _complain(f"not a regular expression: {error}") from None
        return query

    @model_validator(mode="after")
    def _one_outcome(self) -> Answer:
        if sum(each is not None for each in (self.rows, self.rows_affected, self.error)) != 1:
            raise _complain("an answer is one of `rows`, `rowsAffected` and `error`")
        return self


class Stub(Settings):
    """A list of answers, or a small database in memory."""

    answers: list[Answer] | None = None
    """The answers, in order: the first that fits a query is given."""
    sqlite: list[str] | None = None
    """SQL statements that fill an empty SQLite database in memory, on which the flow's queries then run. Placeholders
    may be `$1` or `?`. A query that only another database understands fails there: give it an answer instead."""

    @model_validator(mode="after")
    def _one_kind(self) -> Stub:
        if (self.answers is None) == (self.sqlite is None):
            raise _complain("write either `answers`, or `sqlite` with the statements that fill a database")
        return self


def pattern(query: str) -> re.Pattern[str]:
    """Return the pattern that finds the queries of an answer, in their text on one line."""
    if len(query) > 2 and query.startswith("/") and query.endswith("/"):
        return re.compile(query[1:-1], re.IGNORECASE)
    return re.compile(re.escape(one_line(query)), re.IGNORECASE)


def one_line(query: str) -> str:
    return " ".join(query.split())


def shown(query: str) -> str:
    """Return the beginning of the query, for messages."""
    text = one_line(masked(query))  # masked before it is cut: a part of a secret is not recognised
    return f"`{text}`" if len(text) <= _MOST_SHOWN else f"`{text[:_MOST_SHOWN]}...`"
