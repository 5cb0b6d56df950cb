"""Migrations make the tables that the code has, forth and back, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, String, inspect, select, text
from sqlalchemy.exc import IntegrityError

from octo_platform.storage.database import opened, url_of
from octo_platform.storage.migrating import TooNew, migrate
from octo_platform.storage.tables import ApiKey, DeviceRequest, Entry, Grant, Store, Table, User, now
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
            assert (await session.scalars(text("SELECT version_num FROM alembic_version"))).all() == ["0003"]


@on_both
async def test_a_database_of_a_later_release_is_left_alone(place):
    async with opened(url_of(place)) as database:
        await migrate(database)
        async with database.write() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(TooNew, match="9999, which a later release made; this one knows up to 0003"):
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


def _fill(connection):
    """Rows in the tables as they are now: an integration that is deployed twice, one that is not, and their values."""
    tables = MetaData()
    tables.reflect(connection)
    kept = {"created_at": now(), "updated_at": now(), "revision": 1}
    of_deployment = {"workspace_id": "w", "environment_id": "e", "integration_id": "orders", "wanted": "running"}
    of_deployment |= {"generation": 1, "observed_generation": 0, "good_release": 0, "phase": "x", "status": {}}
    of_deployment |= {"status_at": now(), "progress_at": now(), "token": ""}
    entry = {"environment_id": "e", "namespace": "user", "key": "a", "value": b"\0\xff"}

    def add(table, **values):
        connection.execute(tables.tables[table].insert().values(**values))

    add("workspaces", id="w", name="w", title="", **kept)
    add("environments", id="e", workspace_id="w", name="dev", target="local", settings={}, **kept)
    for each in ("orders", "unused"):
        add("integrations", id=each, workspace_id="w", name=each, title="", **kept)
    add("deployments", id="2", slug="second", **kept | of_deployment)
    add("deployments", id="1", slug="first", **kept | of_deployment | {"created_at": now() - timedelta(days=1)})
    add("entries", **entry, integration_id="orders", version=7)
    end = {"namespace": "user_secrets", "key": "b", "expires_at": END}
    add("entries", **entry | end, integration_id="orders", version=2)
    add("entries", **entry, integration_id="unused", version=1)


END = datetime(2100, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)


@on_both
async def test_keys_and_values_become_those_of_a_deployment_and_again_of_all(place):
    """0003: those of an integration go to its oldest deployment in the environment, and back, with time and version."""
    async with opened(url_of(place)) as database:
        await migrate(database, "0002")
        async with database.alone() as connection:
            await connection.run_sync(_fill)
        await migrate(database)
        async with database.read() as session:
            stores = (await session.execute(select(Store.id, Store.slug, Store.number).order_by(Store.slug))).all()
            assert stores == [("orders/e", "first", 7), ("unused/e", "unused", 1)]
            rows = (await session.execute(select(Entry).order_by(Entry.store_id, Entry.key))).scalars().all()
            assert [(each.store_id, each.namespace, each.key, each.version) for each in rows] == [
                ("orders/e", "user", "a", 7),
                ("orders/e", "user_secrets", "b", 2),
                ("unused/e", "user", "a", 1),
            ]
            assert {(each.value, each.counts) for each in rows} == {(b"\0\xff", False)}
            assert rows[1].until == pytest.approx(END.timestamp(), abs=0.01)
        async with database.write() as session:
            session.add(Store(id="s", integration_id="orders", environment_id="e", slug="z"))
            await session.flush()
            session.add(Entry(store_id="s", namespace="user", key="a", value=b"of another", version=9))
        await migrate(database, "0002")
        async with database.read() as session:
            rows = (await session.execute(text("SELECT integration_id, namespace, key, version FROM entries"))).all()
            assert sorted(map(tuple, rows)) == [
                ("orders", "user", "a", 7),
                ("orders", "user_secrets", "b", 2),
                ("unused", "user", "a", 1),
            ]
        await migrate(database)
        async with database.read() as session:
            until = await session.scalar(select(Entry.until).where(Entry.key == "b"))
            assert until == pytest.approx(END.timestamp(), abs=0.01)
