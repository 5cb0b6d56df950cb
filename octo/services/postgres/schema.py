"""The tables of the services, and how they become those of a newer version.

A migration must leave what the version before can still use: while replicas are replaced one by one, both run.
"""

from __future__ import annotations

import asyncio
from typing import Any

from octo.core.errors import Permanent
from octo.services import codes
from octo.services.postgres import errors, links
from octo.services.postgres.address import Address

OLDEST = 12
"""The oldest server: the first that understands MATERIALIZED."""
WAIT = 60
"""Seconds to wait for another process that creates or changes the tables."""

MIGRATIONS = (
    """
    CREATE SEQUENCE numbers;

    CREATE TABLE entries (
        namespace text COLLATE "C", key text COLLATE "C", version bigint NOT NULL, expires timestamptz,
        count bigint, value bytea, PRIMARY KEY (namespace, key), CHECK ((count IS NULL) <> (value IS NULL))
    );
    CREATE INDEX entries_expire ON entries (expires) WHERE expires IS NOT NULL;

    CREATE TABLE leases (name text COLLATE "C" PRIMARY KEY, token bigint NOT NULL, until timestamptz NOT NULL);
    CREATE INDEX leases_until ON leases (until);

    CREATE TABLE messages (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, queue text COLLATE "C" NOT NULL,
        dead boolean NOT NULL DEFAULT false, due timestamptz, lent bigint, attempt integer NOT NULL DEFAULT 0,
        id text NOT NULL, value bytea NOT NULL, asked boolean NOT NULL DEFAULT false, reason bytea
    ) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
    CREATE INDEX messages_ready ON messages (queue, dead, number) WHERE due IS NULL;
    CREATE INDEX messages_timed ON messages (queue, dead, due) WHERE due IS NOT NULL;

    CREATE TABLE sent (
        queue text COLLATE "C", key text COLLATE "C", id text NOT NULL, until timestamptz NOT NULL,
        PRIMARY KEY (queue, key)
    );
    CREATE INDEX sent_until ON sent (until);

    CREATE TABLE replies (id text PRIMARY KEY, value bytea, reason bytea, until timestamptz NOT NULL);
    CREATE INDEX replies_until ON replies (until);

    CREATE TABLE topics (topic text COLLATE "C" PRIMARY KEY, last bigint NOT NULL);
    CREATE TABLE events (
        topic text COLLATE "C", number bigint, until timestamptz NOT NULL, value bytea NOT NULL,
        PRIMARY KEY (topic, number)
    );
    CREATE INDEX events_until ON events (until);
    CREATE TABLE subscribers (
        topic text COLLATE "C", name text COLLATE "C", seen bigint NOT NULL, PRIMARY KEY (topic, name)
    );
    """,
    """
    ALTER TABLE messages ADD COLUMN ordering text COLLATE "C";
    CREATE INDEX messages_ordered ON messages (queue, ordering, number) WHERE ordering IS NOT NULL AND NOT dead;

    CREATE FUNCTION turn(queue text, ordering text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
        SELECT hashtext(queue || chr(10) || ordering) & 1023
    $$;

    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(1868788847, turn(NEW.queue, NEW.ordering));
        IF EXISTS (SELECT FROM messages WHERE queue = NEW.queue AND ordering = NEW.ordering AND NOT dead) THEN
            NEW.due = '9999-12-31 00:00:00+00';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER hold BEFORE INSERT ON messages FOR EACH ROW WHEN (NEW.ordering IS NOT NULL) EXECUTE FUNCTION hold();

    CREATE FUNCTION free() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(1868788847, turn(OLD.queue, OLD.ordering));
        UPDATE messages SET due = NULL WHERE due > '9000-01-01 00:00:00+00' AND number = (
            SELECT min(number) FROM messages WHERE queue = OLD.queue AND ordering = OLD.ordering AND NOT dead
        );
        RETURN NULL;
    END $$;
    CREATE TRIGGER done AFTER DELETE ON messages FOR EACH ROW
        WHEN (OLD.ordering IS NOT NULL AND NOT OLD.dead) EXECUTE FUNCTION free();
    CREATE TRIGGER died AFTER UPDATE OF dead ON messages FOR EACH ROW
        WHEN (OLD.ordering IS NOT NULL AND NEW.dead AND NOT OLD.dead) EXECUTE FUNCTION free();
    """,
)
"""What leads from each version to the next; the last is the present one.

`numbers` gives versions, tokens and receipts, so none ever returns. A message is ready (`due` is null), or timed:
delayed, or lent until `due`. Ready ones go out by `number`. An entry is a `count` or any other `value`.

Of the messages of a queue with the same ordering key, one is ready, delayed or lent. The others are held: due at the
end of time, which a process of version 1 understands as well. Triggers hold and free them, so that it does not matter
who removes the first. A trigger sees what was committed while it waited for its turn, a statement does not. Invariant:
who sends or settles several messages takes their turns in ascending order. There are 1,024 turns, for which every
server has locks enough.
"""
VERSION = len(MIGRATIONS)

_FORBIDDEN = (
    "{error}; let an administrator make the schema for this user: `CREATE SCHEMA {schema} AUTHORIZATION ...`, or name "
    "one that the user may change: `?schema=...`"
)


async def prepare(address: Address) -> None:
    """Create the tables, or change those of an older version. Raises `Permanent` where that cannot be done."""
    async with links.single(address) as connection:
        try:
            # Without a context manager for the transaction: to roll back, it would wait for a server that is silent.
            async with asyncio.timeout(2 * WAIT):
                await _checked(connection, address)
                await connection.execute(f"BEGIN; SET LOCAL lock_timeout TO '{WAIT}s'")
                # One process at a time, also while the schema does not exist.
                await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", address.schema)
                await _migrate(connection, address)
                await connection.execute("COMMIT")
        except errors.FAILURES as error:
            if errors.is_forbidden(error):
                raise _refused(address, _FORBIDDEN.format(schema=address.schema, error=error)) from error
            raise errors.failed(address.where, error) from error


async def _checked(connection: Any, address: Address) -> None:
    version = connection.get_server_version()
    if version.major < OLDEST:
        raise _refused(address, f"it is PostgreSQL {version.major}; at least {OLDEST} is needed")
    encoding = connection.get_settings().server_encoding
    if encoding != "UTF8":
        raise _refused(address, f"its encoding is {encoding}; create a database with ENCODING 'UTF8'")
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        raise _refused(address, "it is a standby, which cannot be written to; name the primary")


async def _migrate(connection: Any, address: Address) -> None:
    found = await _version(connection, address)
    if found > VERSION:
        raise _refused(
            address,
            f"the schema {address.schema!r} was written by a newer Octo: its version is {found}, and this Octo knows "
            f"{VERSION}",
        )
    if found < VERSION:
        await connection.execute(f'SET LOCAL search_path TO "{address.schema}"')
        for migration in MIGRATIONS[found:]:
            await connection.execute(migration)
        await connection.execute("UPDATE octo_store SET version = $1", VERSION)


async def _version(connection: Any, address: Address) -> int:
    """The version of the tables; 0 for a schema that has none, which then has the table of the version."""
    if await connection.fetchval("SELECT to_regnamespace($1) IS NULL", address.schema):
        await connection.execute(f'CREATE SCHEMA "{address.schema}"')
    if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{address.schema}.octo_store"):
        return await connection.fetchval(f'SELECT version FROM "{address.schema}".octo_store')  # type: ignore[no-any-return]  # noqa: S608  a name of ours
    if await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = $1", address.schema):
        raise _refused(
            address, f"the schema {address.schema!r} has tables of something else; choose another: `?schema=octo`"
        )
    await connection.execute(
        f'CREATE TABLE "{address.schema}".octo_store '
        "(version integer NOT NULL, latest timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    await connection.execute(f'INSERT INTO "{address.schema}".octo_store VALUES (0)')  # noqa: S608  a name of ours
    return 0


def _refused(address: Address, text: str) -> Permanent:
    return Permanent(f"{address.where}: {text}", code=codes.NOT_STARTED)
