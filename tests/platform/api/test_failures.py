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


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/workspaces", {"name": "Shop"}, "name: it has small letters, digits, and `-` between them, at most 40"),
        ("/workspaces", {}, "name: it is missing"),
        ("/workspaces", {"name": "a", "nam": "b"}, "nam: there is no such member"),
        ("/workspaces", [1], "body: it must be an object, which has names and values"),
        ("/users", {"email": "ada", "password": "p" * 12}, "email: it is an address such as ada@example.com"),
        ("/users", {"email": "a@b", "password": "short"}, "password: it needs at least 12 characters"),
    ],
)
async def test_a_value_that_does_not_fit_is_told_in_words(client, path, body, detail):
    answer = await client.post(path, json=body)

    assert (answer.status_code, answer.json()["detail"]) == (422, detail)


async def test_a_form_is_told_how_to_send_json(client):
    """It is what curl sends that was told nothing else."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post("/workspaces", content='{"name": "shop"}', headers=form)

    assert (answer.status_code, answer.json()["code"]) == (415, "wrong-type")
    assert answer.json()["detail"] == "send JSON, with the header `Content-Type: application/json`"
