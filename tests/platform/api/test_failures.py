"""What fails inside stays inside."""

from __future__ import annotations

import pytest
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
