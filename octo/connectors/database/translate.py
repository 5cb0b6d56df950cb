"""The errors of asyncpg and PostgreSQL as errors of Octo, by who must act."""

from __future__ import annotations

import re
from typing import Any

import asyncpg

from octo.connectors.database import codes, errors
from octo.core.errors import OctoError, Permanent, Timeout, Transient, system_reason

ASYNCPG_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_LOGIN = ("28", "3D")
# The first entry that fits counts; PostgreSQL's appendix A lists the states.
_MEANING: tuple[tuple[tuple[str, ...], tuple[type[Permanent | Transient], str]], ...] = (
    # Cancelled by the server itself: its `statement_timeout`, or an administrator.
    (("57014",), (Timeout, codes.TOO_SLOW)),
    # The server ended the connection, or is out of memory, disk or connections.
    (("08", "57", "25P03", "53", "58"), (Transient, codes.LOST)),
    # Deadlock, serialization failure, lock not available.
    (("40", "55P03"), (Transient, codes.CONFLICT)),
    (("23",), (Permanent, codes.CONSTRAINT)),
    (("",), (Permanent, codes.BAD_QUERY)),
)
_POOLED = (
    "the server does not have the statement that this session prepared, or has it twice, as happens behind a pooler; "
    "set `prepare: false` on the connector (SQLSTATE {})"
)
# asyncpg's texts about a type that it has no codec for.
_NO_CODEC = re.compile(r"\bno (?:decoder|encoder|codec)\b|missing codec|argument types")


def translated(error: Exception, where: str, *, connected: bool) -> OctoError:
    """Return an error of asyncpg as one of Octo's, by who must act."""
    state = getattr(error, "sqlstate", None)
    if state is None:
        if connected and (isinstance(error, asyncpg.UnsupportedClientFeatureError) or _NO_CODEC.search(str(error))):
            text = f"{error}; cast the value to text in the query, or select its fields: `(value).name`"
            return Permanent(text, code=codes.BAD_QUERY)
        return _without_state(error, where, connected=connected)
    if unfit := errors.unfit(str(error)):
        return unfit
    text = _POOLED.format(state) if state in ("26000", "42P05") else _text(error, state)
    if not connected:
        return (errors.refused_login if state.startswith(_LOGIN) else errors.not_connected)(where, text)
    if "multiple commands" in text:
        text = f"{text}; several statements need `exec: true`, and no `args`"
    kind, code = next(meaning for states, meaning in _MEANING if state.startswith(states))
    return kind(text, code=code, vars={"sqlState": state})


def _without_state(error: Exception, where: str, *, connected: bool) -> OctoError:
    """Return an error that asyncpg or the operating system raised, not the server."""
    if isinstance(error, OSError | asyncpg.InternalClientError):
        if connected:
            return Transient(f"the connection to {where} broke: {error}", code=codes.LOST)
        return errors.not_connected(where, system_reason(error) if isinstance(error, OSError) else error)
    if isinstance(error, ValueError):
        # asyncpg: a value of a row that its codec cannot decode, or a DSN it cannot read.
        if connected:
            text = f"a value of the row cannot be read ({error}); cast it in the query, e.g. `value::text`"
            return Permanent(text, code=codes.BAD_QUERY)
        return errors.refused_login(where, "the `dsn` cannot be read")
    if "clos" in str(error) or "release" in str(error):
        return Transient(f"the connection to {where} was closed", code=codes.LOST)
    return Permanent(str(error), code=codes.BAD_QUERY)


def _text(error: Any, state: str) -> str:
    """Return the server's message with its detail and hint, on one line."""
    parts = [str(error.args[0] if error.args else error), getattr(error, "detail", None), getattr(error, "hint", None)]
    return f"{'; '.join(part for part in parts if part)} (SQLSTATE {state})"
