"""The tables of the store, and its clock."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from octo.core.errors import Permanent
from octo.services import codes

APPLICATION = 0x4F63_5374
"""The application id in SQLite's header: `OcSt`."""
VERSION = 2
"""Of the tables: how many migrations have been done."""
HELD = float("inf")
"""When a message is due that waits for another one of its ordering key."""

JUMP = 1.0
"""Seconds by which the clock may go back unnoticed."""

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO meta VALUES ('number', 0), ('clock', 0.0);

CREATE TABLE entries (
    namespace TEXT, key TEXT, version INTEGER NOT NULL, expires REAL, value BLOB NOT NULL, PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
CREATE INDEX entries_expire ON entries (expires) WHERE expires IS NOT NULL;

CREATE TABLE leases (name TEXT PRIMARY KEY, token INTEGER NOT NULL, until REAL NOT NULL) WITHOUT ROWID;

CREATE TABLE messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, dead INTEGER NOT NULL DEFAULT 0, due REAL,
    lent INTEGER, attempt INTEGER NOT NULL DEFAULT 0, id TEXT NOT NULL, value BLOB NOT NULL, asker TEXT, reason TEXT
);
CREATE INDEX messages_ready ON messages (queue, dead, number) WHERE due IS NULL;
CREATE INDEX messages_timed ON messages (queue, dead, due) WHERE due IS NOT NULL;

CREATE TABLE sent (queue TEXT, key TEXT, id TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (queue, key)) WITHOUT ROWID;
CREATE INDEX sent_until ON sent (until);

CREATE TABLE replies (asker TEXT PRIMARY KEY, value BLOB, reason TEXT, until REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX replies_until ON replies (until);

CREATE TABLE topics (topic TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
    topic TEXT, number INTEGER, until REAL NOT NULL, value BLOB NOT NULL, PRIMARY KEY (topic, number)
) WITHOUT ROWID;
CREATE INDEX events_until ON events (until);
CREATE TABLE subscribers (topic TEXT, name TEXT, seen INTEGER NOT NULL, PRIMARY KEY (topic, name)) WITHOUT ROWID;
"""
"""A message is ready (`due` is null), or timed: delayed, or lent until `due`. Ready ones go out by `number`: what was
sent first goes first, whatever the clock did, and what came back goes before what is new."""

_NEXT = """UPDATE messages SET due = NULL WHERE number = (
    SELECT min(number) FROM messages WHERE queue = OLD.queue AND ordering = OLD.ordering AND dead = 0
)"""
ORDERING = f"""
ALTER TABLE messages ADD COLUMN ordering TEXT;
CREATE INDEX messages_ordered ON messages (queue, ordering, number) WHERE ordering IS NOT NULL AND dead = 0;
CREATE TRIGGER messages_done AFTER DELETE ON messages WHEN OLD.ordering IS NOT NULL AND OLD.dead = 0
BEGIN {_NEXT}; END;
CREATE TRIGGER messages_died AFTER UPDATE OF dead ON messages WHEN OLD.ordering IS NOT NULL AND OLD.dead < NEW.dead
BEGIN {_NEXT}; END;
"""
"""Of the messages of a queue with the same ordering key, one is ready, delayed or lent, and the others are
held. Triggers make the next one ready, so a process of the version before, which knows no keys, does it as well."""
TWICE = """
DROP INDEX messages_ready;
CREATE INDEX messages_ready ON messages (queue, dead, number, attempt, lent) WHERE due IS NULL;
DROP INDEX messages_timed;
CREATE INDEX messages_timed ON messages (queue, dead, due, attempt, lent) WHERE due IS NOT NULL;
CREATE INDEX messages_buried ON messages (ordering) WHERE ordering IS NOT NULL AND dead <> 0;
CREATE INDEX messages_reason ON messages (reason) WHERE reason IS NOT NULL;
CREATE INDEX messages_asker ON messages (asker) WHERE asker IS NOT NULL;
DROP INDEX sent_until;
CREATE INDEX sent_until ON sent (until, id);
CREATE INDEX replies_reason ON replies (reason) WHERE reason IS NOT NULL;
CREATE INDEX leases_until ON leases (until, token);
CREATE INDEX topics_last ON topics (last);
CREATE INDEX subscribers_seen ON subscribers (seen);
CREATE INDEX meta_value ON meta (value);
"""
"""Every column that no checksum covers is in an index, too: SQLite compares the two, and so finds a changed byte."""
MIGRATIONS = (TABLES, ORDERING + TWICE)
"""What leads from each version to the next."""

TIMES = (
    *(("entries", "expires"), ("leases", "until"), ("messages", "due"), ("sent", "until")),
    *(("replies", "until"), ("events", "until")),
)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Set the connection up, and create the tables in a new file. Raises `Permanent` for a file of something else."""
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 4194304")
    application, version, tables = _header(connection)
    if application == 0 and not tables:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        _migrate(connection)
        return
    if application != APPLICATION:
        raise Permanent(f"{str(path)!r} is a database of something else, and no store of Octo", code=codes.NOT_STARTED)
    if version > VERSION:
        raise Permanent(
            f"the store {str(path)!r} was written by a newer Octo: its version is {version}, and this Octo knows "
            f"{VERSION}",
            code=codes.NOT_STARTED,
        )


def _header(connection: sqlite3.Connection) -> tuple[int, int, int]:
    return (
        connection.execute("PRAGMA application_id").fetchone()[0],
        connection.execute("PRAGMA user_version").fetchone()[0],
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0],
    )


def renew(connection: sqlite3.Connection) -> None:
    """Bring the tables of an older version up to date. What it writes must have been checked before."""
    if _header(connection)[1] < VERSION:
        _migrate(connection)


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _header(connection)[1]  # another process may have been faster
        for migration in MIGRATIONS[found:]:
            for statement in migration.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def number(connection: sqlite3.Connection) -> int:
    """A number that is greater than every one before: versions, tokens and receipts never return."""
    return connection.execute(  # type: ignore[no-any-return]
        "UPDATE meta SET value = value + 1 WHERE name = 'number' RETURNING value"
    ).fetchone()[0]


def now(connection: sqlite3.Connection, wall: float, expected: float | None) -> float:
    """The time, in seconds since the epoch.

    If the clock went back, every time in the store goes back with it: leases, delays and times to live stay as long
    as they were, instead of hanging for as long as the clock went back.

    expected: what the wall clock would show now if nobody had set it, None if that is not known.
    """
    latest: float = connection.execute("SELECT value FROM meta WHERE name = 'clock'").fetchone()[0]
    if wall < latest - JUMP:  # else another process has noticed it before
        back = (latest if expected is None else max(latest, expected)) - wall
        for table, column in TIMES:
            connection.execute(f"UPDATE {table} SET {column} = {column} - ?", [back])  # noqa: S608  names of ours
    if abs(wall - latest) > JUMP:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'clock'", [wall])
    return wall
