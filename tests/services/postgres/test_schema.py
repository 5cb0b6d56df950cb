"""The tables are created once, changed by newer versions, and nothing else is touched."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace

import pytest

from octo.core.errors import Permanent, Transient
from octo.services import codes
from octo.services.container import Services, Unavailable
from octo.services.places import openers
from octo.services.postgres import links, schema, store
from octo.services.postgres.key_value import Entries
from octo.testing.postgres import PASSWORD


async def execute(address, statement):
    async with links.single(address) as connection:
        return await connection.fetch(statement)


async def test_many_processes_may_start_at_once(fresh):
    """One of them creates the tables."""
    await asyncio.gather(*(schema.prepare(fresh) for _ in range(10)))

    assert await execute(fresh, f"SELECT version FROM {fresh.schema}.octo_store") == [(schema.VERSION,)]


async def test_a_newer_version_changes_the_tables_and_keeps_what_is_in_them(fresh, monkeypatch):
    """What was opened before goes on; what starts in the older version after that is refused."""
    async with store.opened(fresh) as older:
        await Entries(older).put("a", "k", 1)
        with monkeypatch.context() as patched:
            patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "ALTER TABLE entries ADD COLUMN owner text"))
            patched.setattr(schema, "VERSION", schema.VERSION + 1)
            async with store.opened(fresh) as newer:
                assert (await Entries(newer).get("a", "k")).value == 1
                await Entries(older).put("a", "k", 2)
                assert (await Entries(newer).get("a", "k")).value == 2
                assert await newer.rows("SELECT owner FROM entries") == [(None,)]
        assert (await Entries(older).get("a", "k")).value == 2

        with pytest.raises(Permanent, match="newer Octo"):
            await schema.prepare(fresh)


async def test_a_migration_that_fails_leaves_what_was(fresh, monkeypatch):
    await schema.prepare(fresh)
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "DROP TABLE entries; SELECT 1 / 0"))
        patched.setattr(schema, "VERSION", schema.VERSION + 1)
        with pytest.raises(Transient, match="division by zero"):
            await schema.prepare(fresh)

    async with store.opened(fresh) as opened:
        assert await Entries(opened).put("a", "k", 1)


async def test_tables_of_something_else_are_left_alone(fresh):
    await execute(fresh, f"CREATE SCHEMA {fresh.schema}")
    await execute(fresh, f"CREATE TABLE {fresh.schema}.messages (body text)")

    with pytest.raises(Permanent, match=r"has tables of something else; choose another: `\?schema=octo`") as caught:
        await schema.prepare(fresh)

    assert caught.value.code == codes.NOT_STARTED


async def test_an_empty_schema_that_an_administrator_made_is_used(fresh):
    """The user of Octo need not be allowed to create one."""
    await execute(fresh, f"CREATE ROLE {fresh.schema} LOGIN PASSWORD 'secret-of-role'")
    await execute(fresh, f"CREATE SCHEMA {fresh.schema} AUTHORIZATION {fresh.schema}")
    login = f"//{fresh.schema}:secret-of-role@{fresh.dsn.partition('@')[2]}"

    async with store.opened(replace(fresh, dsn=f"postgresql:{login}")) as opened:
        assert await Entries(opened).put("a", "k", 1)


async def test_without_the_right_to_create_a_schema_the_error_says_what_to_do(fresh):
    await execute(fresh, f"CREATE ROLE {fresh.schema} LOGIN PASSWORD 'secret-of-role'")
    login = f"//{fresh.schema}:secret-of-role@{fresh.dsn.partition('@')[2]}"

    with pytest.raises(Permanent, match=f"let an administrator make the schema .* `CREATE SCHEMA {fresh.schema}"):
        await schema.prepare(replace(fresh, dsn=f"postgresql:{login}"))


async def test_a_process_that_holds_the_tables_is_not_waited_for_without_end(fresh, monkeypatch):
    monkeypatch.setattr(schema, "WAIT", 0.2)
    async with links.single(fresh) as other, other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", fresh.schema)

        with pytest.raises(Transient, match="lock timeout"):
            await schema.prepare(fresh)

    await schema.prepare(fresh)


async def test_a_server_that_falls_silent_meanwhile_is_not_waited_for_without_end(fresh, monkeypatch, postgres):
    """The process that had the lock goes on without the one that gave up."""
    monkeypatch.setattr(schema, "WAIT", 1.0)
    async with links.single(fresh) as other, other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", fresh.schema)
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            preparing = tasks.create_task(_failure(fresh))
            await asyncio.sleep(0.3)
            postgres.pause()
            try:
                assert "no answer in time" in str(await preparing)
            finally:
                postgres.resume()

    await schema.prepare(fresh)


async def _failure(address):
    with pytest.raises(Transient) as caught:
        await schema.prepare(address)
    return caught.value


async def test_what_is_usual_in_the_database_changes_nothing(fresh):
    """Isolation, path, read-only and lazy commits of the role, as administrators set them for others."""
    role = fresh.schema
    await execute(fresh, f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'secret-of-role'")
    for setting in (
        "default_transaction_isolation TO serializable",
        "default_transaction_read_only TO on",
        "synchronous_commit TO off",
        "search_path TO nowhere",
    ):
        await execute(fresh, f"ALTER ROLE {role} SET {setting}")
    await schema.prepare(fresh)
    login = f"//{role}:secret-of-role@{fresh.dsn.partition('@')[2]}"
    async with store.opened(replace(fresh, dsn=f"postgresql:{login}")) as opened:
        assert await Entries(opened).increment("a", "k") == 1
        shown = [await opened.rows(f"SHOW {each}") for each in ("transaction_isolation", "synchronous_commit")]

    assert shown == [[("read committed",)], [("on",)]]


async def test_a_database_that_cannot_hold_every_name_is_refused(fresh):
    await execute(fresh, f"CREATE DATABASE {fresh.schema} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    address = replace(fresh, dsn=fresh.dsn.replace("/postgres", f"/{fresh.schema}"))

    with pytest.raises(Permanent, match="its encoding is LATIN1; create a database with ENCODING 'UTF8'"):
        await schema.prepare(address)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("octo:", "nobody:"), "password authentication failed"),
        (("/postgres", "/nowhere"), 'database "nowhere" does not exist'),
        (("127.0.0.1", "nowhere.invalid"), "cannot connect to PostgreSQL at nowhere.invalid"),
        (("@127.0.0.1", "x@127.0.0.1"), "password authentication failed"),
    ],
)
async def test_an_address_that_is_wrong_says_so_without_the_password(postgres_url, change, problem):
    async with Services(openers(postgres_url.replace(*change))) as services:
        with pytest.raises(Unavailable, match=problem) as caught:
            await services.open(["queues"])

    error = caught.value
    while error is not None:
        assert PASSWORD not in str(error)
        assert PASSWORD not in repr(error)
        error = error.__cause__
    assert "the service `queues` did not start" in str(caught.value)


async def test_all_services_share_one_store(postgres_url, fresh):
    """What one run has written, the next one reads."""
    url = f"{postgres_url}?schema={fresh.schema}"
    async with Services(openers(url)) as services:
        await services.open(["queues", "key-value", "leases", "topics"])
        handed = services.handed({"store": "key-value", "queues": "queues"})
        await handed["store"].put("a", "k", 1)
        await handed["queues"].send("orders", 2)
    async with Services(openers(url)) as services:
        await services.open(["key-value", "queues"])
        handed = services.handed({"store": "key-value", "queues": "queues"})

        assert (await handed["store"].get("a", "k")).value == 1
        assert [each.value for each in await handed["queues"].receive("orders")] == [2]


async def test_the_server_that_can_be_written_to_is_found_among_several(postgres_url, fresh, port):
    """One of them is down here."""
    url = postgres_url.replace("@", f"@127.0.0.1:{port}%2C")
    async with Services(openers(f"{url}?schema={fresh.schema}")) as services:
        await services.open(["key-value"])

        assert await services.handed({"store": "key-value"})["store"].put("a", "k", 1)


WITHOUT_DRIVER = """
import asyncio, sys
sys.modules["asyncpg"] = None
from octo.services.container import Services
from octo.services.places import openers

async def main():
    async with Services(openers("postgresql://u:hunter2@db/app")) as services:
        await services.open(["queues"])

asyncio.run(main())
"""


def test_without_the_driver_the_error_says_what_to_install():
    done = subprocess.run([sys.executable, "-c", WITHOUT_DRIVER], capture_output=True, text=True, check=False)

    assert "PostgreSQL needs asyncpg: pip install 'octo-flows[postgres]'" in done.stderr
    assert "hunter2" not in done.stderr.replace(WITHOUT_DRIVER, "")
