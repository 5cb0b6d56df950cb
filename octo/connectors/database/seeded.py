"""A private SQLite database in place of the real one, filled by a test."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from octo.connectors.database import codes
from octo.connectors.database.driver import Driver, Row
from octo.connectors.database.settings import MOST_BYTES, Connection
from octo.connectors.database.sqlite import open_driver
from octo.connectors.database.stub import shown
from octo.core.errors import OctoError, Permanent
from octo.core.settings import Secret


@asynccontextmanager
async def seeded(settings: Connection, statements: Sequence[str]) -> AsyncIterator[Driver]:
    """Yield a database in memory, filled by these statements, for queries in the dialect of the settings."""
    memory = settings.model_copy(update={"driver": "sqlite", "dsn": Secret(":memory:"), "password": None})
    async with open_driver(memory) as sqlite:
        for number, statement in enumerate(statements, 1):
            try:
                await sqlite.execute(statement, [])
            except OctoError as error:
                text = f"statement {number} of the stub's `sqlite`, {shown(statement)}: {error}"
                raise Permanent(text, code=error.code) from error
        yield sqlite if settings.driver == "sqlite" else Foreign(sqlite, settings.driver)


class Foreign:
    """SQLite for queries in another dialect. Its errors say that, and what both dialects know instead."""

    def __init__(self, sqlite: Driver, dialect: str) -> None:
        self._sqlite = sqlite
        self._dialect = dialect

    @property
    def is_busy(self) -> bool:
        return self._sqlite.is_busy

    async def fetch(self, query: str, args: Sequence[object], limit: int, most: int = MOST_BYTES) -> list[Row]:
        with self._explained(query):
            return await self._sqlite.fetch(query, args, limit, most)

    async def first(self, query: str, args: Sequence[object], most: int = MOST_BYTES) -> Row | None:
        with self._explained(query):
            return await self._sqlite.first(query, args, most)

    async def execute(self, query: str, args: Sequence[object], most: int = MOST_BYTES) -> int:
        with self._explained(query):
            return await self._sqlite.execute(query, args, most)

    async def ping(self) -> None:
        await self._sqlite.ping()

    @contextmanager
    def _explained(self, query: str) -> Iterator[None]:
        try:
            yield
        except Permanent as error:
            if error.code == codes.CONSTRAINT and self._dialect == "postgres":
                raise Permanent(str(error), code=error.code, vars=_state(error.__cause__)) from error
            if error.code != codes.BAD_QUERY:
                raise
            raise Permanent(f"{error}; {self._advice(query)}", code=error.code) from error

    def _advice(self, query: str) -> str:
        known = [f"instead of `{what}` both know `{cure}`" for form, what, cure in _CURES if form.search(query)]
        cures = "".join(f", {each}" for each in known)
        return (
            f"the query ran on the stub's SQLite, which does not know all of {self._dialect}{cures}; "
            "or give the query an answer under `answers`"
        )


_CURES = tuple(
    (re.compile(form, re.IGNORECASE), what, cure)
    for form, what, cure in (
        (r"::\s*\w", "x::type", "cast(x as type)"),
        (r"\bnow\s*\(\s*\)", "now()", "current_timestamp"),
        (r"\bilike\b", "a ilike b", "lower(a) like lower(b)"),
    )
)

_STATES = {"UNIQUE": "23505", "PRIMARYKEY": "23505", "FOREIGNKEY": "23503", "NOTNULL": "23502", "CHECK": "23514"}


def _state(error: BaseException | None) -> dict[str, object]:
    """Return the SQLSTATE that PostgreSQL has for the violation."""
    name = error.sqlite_errorname if isinstance(error, sqlite3.Error) else ""
    state = _STATES.get(name.removeprefix("SQLITE_CONSTRAINT_"))
    return {"sqlState": state} if state else {}
