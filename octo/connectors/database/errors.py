"""The errors of databases, by who must act.

Invariant: no text that is written here contains a DSN, a password or the value of an argument. A database's own message
may quote values ("Key (email)=(a@b.c) already exists"): it reaches the log and `vars.error`, never a caller outside.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from octo.connectors.database import codes
from octo.core.errors import NotConnected, Permanent, Timeout, Transient


def not_connected(where: str, reason: object) -> NotConnected:
    return NotConnected(f"cannot connect to {where}: {reason}", code=codes.UNREACHABLE)


def unreachable(where: str, reason: object) -> Transient:
    """Like `not_connected`, but a query may have reached the database."""
    return Transient(f"cannot connect to {where}: {reason}", code=codes.UNREACHABLE)


def refused_login(where: str, reason: object) -> Permanent:
    return Permanent(f"cannot connect to {where}: {reason}", code=codes.REFUSED_LOGIN)


def exhausted(limit: int, seconds: float) -> NotConnected:
    connections = "the only connection was" if limit == 1 else f"all {limit} connections were"
    return NotConnected(
        f"{connections} busy for {seconds:g}s; raise `maxOpenConns`, or make the queries shorter", code=codes.EXHAUSTED
    )


def too_slow(seconds: float) -> Timeout:
    return Timeout(
        f"the query was cancelled after {seconds:g}s; raise the connector's `queryTimeout` if it may take longer",
        code=codes.TOO_SLOW,
    )


def locked(where: str, seconds: float) -> Timeout:
    return Timeout(
        f"{where} was locked by another connection for {seconds:g}s, and nothing was changed; "
        "shorten its transactions, or raise the connector's `queryTimeout`",
        code=codes.CONFLICT,
    )


def interrupted() -> Timeout:
    return Timeout("the block was interrupted, and nothing was changed", code=codes.TOO_SLOW)


def too_many_rows(limit: int) -> Permanent:
    return Permanent(
        f"the query returns more than {limit} rows; add a LIMIT, or raise the block's `maxRows`",
        code=codes.TOO_MANY_ROWS,
    )


def same_column(names: Sequence[str]) -> Permanent:
    named = ", ".join(f"{name[:64]!r}" for name in names[:5])
    return Permanent(
        f"the query returns two columns named {named}, and a row can have only one; "
        f'give each a name of its own: `b."{names[0][:64]}" as ...`',
        code=codes.SAME_COLUMN,
    )


def check_columns(names: Sequence[str]) -> None:
    """Raise `Permanent` if two columns have one name."""
    if len(set(names)) < len(names):
        raise same_column([name for name, count in Counter(names).items() if count > 1])


def left_open() -> Permanent:
    return Permanent(
        "the block leaves a transaction open, which was rolled back; write its `commit` into the same block, or no "
        "`begin`: each block is a transaction by itself",
        code=codes.BAD_QUERY,
    )


def copies() -> Permanent:
    return Permanent(
        "`copy` with `stdin` or `stdout` is not possible in a block; use `insert`, `select`, or a file of the server",
        code=codes.BAD_QUERY,
    )


def too_many_bytes(limit: int) -> Permanent:
    return Permanent(
        f"the result has more than {limit} bytes; select fewer rows or columns, or raise the block's `maxBytes`",
        code=codes.TOO_MANY_BYTES,
    )


def no_library(driver: str, package: str, extra: str = "") -> Permanent:
    """extra: the extra of `octo-flows` that brings the package; empty if none does."""
    cure = f"pip install 'octo-flows[{extra}]'" if extra else "Octo does not bring it; install the driver beside Octo"
    return Permanent(f"driver {driver} needs the Python package {package}: {cure}", code=codes.NO_LIBRARY)


def bad_argument(position: int, message: str) -> Permanent:
    return Permanent(f"argument ${position}: {message}", code=codes.BAD_ARGUMENT)


_QUOTED = re.compile(r"(?!'\w+' object)(['\"]).*\1", re.DOTALL)
_UNFIT = re.compile(r"invalid input for query argument \$(\d+): .* \((.*)\)\Z", re.DOTALL)


def unfit(text: str) -> Permanent | None:
    """Return asyncpg's error about an argument without the value that it quotes, None if it is another error."""
    found = _UNFIT.match(text)
    if not found:
        return None
    why = _QUOTED.sub("the value", found[2])
    return bad_argument(int(found[1]), f"{why[:200]}; or cast in the query, e.g. `$1::text::int4range`")
