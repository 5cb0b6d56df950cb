"""A damaged file is found when it is opened, not when somebody misses what was in it.

SQLite finds pages that do not fit together. It does not find a changed byte of a value, and it takes a log whose end is
cut off for one whose end was never written: see `values` and `wal`.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from octo.services import values
from octo.services.embedded.damage import damaged
from octo.services.values import Damaged


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `Damaged` if pages do not fit together, an index misses a row, or a value is not what was written."""
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise damaged(path, found)
    meta = {name: type(value) for name, value in connection.execute("SELECT name, value FROM meta")}
    if meta != {"number": int, "clock": float}:
        raise damaged(path, "its numbers are gone")
    for table, columns in (
        ("entries", "namespace, key, version"),
        ("messages", "queue, id"),
        ("events", "topic, number"),
    ):
        try:
            for row in connection.execute(f"SELECT value, {columns} FROM {table}"):  # noqa: S608  names of ours
                values.check(*row)
        except Damaged as error:
            raise damaged(path, str(error)) from None
