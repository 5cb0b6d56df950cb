"""Migrations make the tables that the code has, forth and back, on both databases."""

from __future__ import annotations

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, String, inspect, select, text
from sqlalchemy.exc import IntegrityError

from octo_platform.storage.database import opened, url_of
from octo_platform.storage.migrating import TooNew, migrate
from octo_platform.storage.tables import ApiKey, DeviceRequest, Grant, Table, User, now
from tests.platform.conftest import on_both


def _differences(connection):
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return compare_metadata(context, Table.metadata)


@on_both
async def test_they_make_what_the_code_has_and_take_it_back(place):
    async with opened(url_of(place)) as database:
        await migrate(database)
        async with database.engine.connect() as connection:
            assert await connection.run_sync(_differences) == []
        await migrate(database)  # again: nothing to do
        await migrate(database, "base")
        async with database.engine.connect() as connection:
            names = await connection.run_sync(lambda each: inspect(each).get_table_names())
            assert set(names) <= {"alembic_version"}
        await migrate(database)


@on_both
async def test_two_that_start_together_take_turns(place):
    async with opened(url_of(place)) as one, opened(url_of(place)) as other:
        await asyncio.gather(migrate(one), migrate(other))
        async with one.read() as session:
            assert (await session.scalars(text("SELECT version_num FROM alembic_version"))).all() == ["0002"]


@on_both
async def test_a_database_of_a_later_release_is_left_alone(place):
    async with opened(url_of(place)) as database:
        await migrate(database)
        async with database.write() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(TooNew, match="9999, which a later release made; this one knows up to 0002"):
            await migrate(database)


@on_both
async def test_a_table_that_is_made_anew_keeps_what_refers_to_it(place):
    """torrust-index#526, sqlitebrowser#1481: a changed column of one table emptied the tables that refer to it."""
    async with opened(url_of(place)) as database:
        await migrate(database)
        async with database.write() as session:
            session.add(user := User(email="ann@shop.test"))
            await session.flush()
            session.add(Grant(user_id=user.id, workspace="*", role="admin"))

        def change(connection):
            operations = Operations(MigrationContext.configure(connection, opts={"render_as_batch": True}))
            with operations.batch_alter_table("users", recreate="auto") as table:
                table.alter_column("name", type_=String(400), existing_type=String(200))

        async with database.alone() as connection:
            await connection.run_sync(change)
        async with database.read() as session:
            assert (await session.scalars(select(Grant.role))).all() == ["admin"]
        with pytest.raises(IntegrityError):
            async with database.write() as session:
                session.add(Grant(user_id="nobody", workspace="*", role="admin"))


@on_both
async def test_keys_that_there_were_before_programs_asked_for_less_stay_what_they_are(place):
    """0002: nobody knows how they were made, so another password does not end them; who waits, waits for all."""
    when = {"created_at": now(), "updated_at": now(), "expires_at": now()}
    user = {"id": "u", "email": "ann@shop.test", "name": "", "disabled": False, "roles_from": "here", "revision": 1}
    key = {"id": "k", "user_id": "u", "name": "x", "hash": "h", "prefix": "octo_", "scopes": ["all"]}
    waiting = {"id": "d", "device_code": "a", "user_code": "b", "client": "octo", "refused": False}

    def fill(connection):
        tables = MetaData()
        tables.reflect(connection)
        for name, row in (("users", user), ("api_keys", key), ("device_requests", waiting)):
            table = tables.tables[name]
            fitting = {column: value for column, value in (row | when).items() if column in table.columns}
            connection.execute(table.insert().values(**fitting))

    async with opened(url_of(place)) as database:
        await migrate(database, "0001")
        async with database.alone() as connection:
            await connection.run_sync(fill)
        for _ in range(2):
            await migrate(database)
            async with database.read() as session:
                assert (await session.execute(select(ApiKey.scopes, ApiKey.by_code))).all() == [(["all"], False)]
                assert (await session.scalars(select(DeviceRequest.scopes))).all() == [["all"]]
            await migrate(database, "0001")
