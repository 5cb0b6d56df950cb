"""Statements that a connection to PostgreSQL has prepared, and what to do when they outlive what they were made for.

A prepared statement keeps the types of its parameters and columns. When a table or type changes, a connection that
knows the statement from before disagrees with a new one, and values are refused or fail for a type that is no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from octo.connectors.database import codes, errors
from octo.connectors.database.arguments import Parameter, fit
from octo.core.errors import Permanent

_MOST = 200
"""Statements whose description a connection keeps; asyncpg itself keeps 100 prepared."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement of one connection: asyncpg's object, and its description by the server."""

    statement: Any
    parameters: Sequence[Parameter]
    columns: Sequence[Any]
    names: tuple[str, ...]


async def rows(connection: Any, query: str, args: Sequence[object], limit: int) -> list[Any]:
    """Return at most `limit` rows. Raises `Permanent` if two columns have one name: a row would lose one of them."""
    known = await _known(connection, query)
    errors.check_columns(known.names)
    records: list[Any] = (await _run(connection, known, args, limit))[0]
    return records


async def status(connection: Any, query: str, args: Sequence[object]) -> str:
    """Run the statement and return the server's word on what was done."""
    done: bytes | None = (await _run(connection, await _known(connection, query), args, 0))[1]
    return done.decode() if done else ""  # nothing but a comment


async def _run(connection: Any, known: Prepared, args: Sequence[object], limit: int) -> Any:
    """Return the rows, at most `limit` unless it is 0, and the status."""
    return await connection._protocol.bind_execute(  # noqa: SLF001
        state=known.statement,
        args=fit(known.parameters, args),
        portal_name="",
        limit=limit,
        return_extra=True,
        timeout=None,
    )


async def _known(connection: Any, query: str) -> Prepared:
    statement = await connection._get_statement(query, None)  # noqa: SLF001
    known: Prepared | None = connection.known.get(query)
    if known is None or known.statement is not statement:
        known = _described(statement)
        if len(connection.known) >= _MOST:
            connection.known.clear()
        connection.known[query] = known
    return known


def _described(statement: Any) -> Prepared:
    columns = statement._get_attributes()  # noqa: SLF001
    names = tuple(each.name for each in columns)
    return Prepared(statement, statement._get_parameters(), columns, names)  # noqa: SLF001


async def is_outdated(connection: Any, query: str, error: Exception, *, is_one: bool) -> bool:
    """Whether the error comes from a description that is no longer the server's.

    is_one: the query is one statement, of which nothing remains after an error of the server.
    """
    if not _is_suspect(error, is_one=is_one):
        return False
    known = connection.known.get(query)
    if known is None or _is_certain(error):
        return known is not None
    fresh = _described(await connection._get_statement(query, None, use_cache=False))  # noqa: SLF001
    return (fresh.parameters, fresh.columns) != (known.parameters, known.columns)


def forget(pool: Any) -> None:
    """Drop what all connections of the pool know of statements and types."""
    pool._drop_type_cache()  # noqa: SLF001
    pool._drop_statement_cache()  # noqa: SLF001


def _is_suspect(error: Exception, *, is_one: bool) -> bool:
    if isinstance(error, Permanent):
        return error.code == codes.BAD_ARGUMENT
    if _is_certain(error) or errors.unfit(str(error)):
        return True
    # An unknown column, function or type; no operator for these types; a cached plan or an entry of the catalogue
    # that does not fit any more; a value in the binary form of another type.
    return is_one and str(getattr(error, "sqlstate", "")).startswith(("42", "0A000", "XX000", "22P03"))


def _is_certain(error: Exception) -> bool:
    """Whether the server no longer has the statement (`deallocate all`), or the parts of a type are others now."""
    is_gone = isinstance(error, asyncpg.InvalidSQLStatementNameError)
    return is_gone or isinstance(error, asyncpg.exceptions.OutdatedSchemaCacheError)
