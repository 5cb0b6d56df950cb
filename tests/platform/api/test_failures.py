"""What fails inside stays inside."""

from __future__ import annotations

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError, TimeoutError as PoolTimeout

from octo_platform.deploy.target import Refused, Unreachable
from octo_platform.storage.sealing import Unsealable
from tests.platform.asking import problem

SECRET = "postgres://octo:hush-hush@db/octo"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RuntimeError(SECRET), "internal"),
        (KeyError(SECRET), "internal"),
        (OperationalError(SECRET, {}, Exception("database is locked")), "busy"),
        (OperationalError(SECRET, {}, Exception(f"no such table {SECRET}")), "internal"),
        (OperationalError(SECRET, {}, Exception("database or disk is full")), "cannot-store"),
        (OperationalError(SECRET, {}, Exception("attempt to write a readonly database")), "cannot-store"),
        (PoolTimeout(SECRET), "busy"),
        (Unsealable(SECRET), "no-key"),
        (Unreachable("nobody answers"), "target-unavailable"),
        (Refused("the quota is used up"), "conflict"),
    ],
)
async def test_a_failure_is_a_problem_with_a_code_and_nothing_of_the_inside(client, installation, error, code):
    def broken():
        raise error

    installation.database.read = broken
    answer = await client.get("/health")
    assert answer.json()["code"] == code
    assert "hush" not in answer.text
    assert "Traceback" not in answer.text
    assert await problem(client.get("/health")) == code


async def test_a_full_disk_is_told_and_passes(client, installation):
    """A real one: the database may take no further page."""
    await client.post("/workspaces", json={"name": "shop"})
    event.listen(installation.database.engine.sync_engine, "connect", _full)
    await installation.database.engine.dispose()
    made = {"name": "a", "files": {"a.yaml": "#" * 500_000}}
    assert await problem(client.post("/workspaces/shop/integrations", json=made)) == "cannot-store"
    assert (await client.get("/workspaces/shop")).is_success
    event.remove(installation.database.engine.sync_engine, "connect", _full)
    await installation.database.engine.dispose()
    assert (await client.post("/workspaces/shop/integrations", json=made)).is_success


def _full(connection, record):
    connection.execute("PRAGMA max_page_count=1")
