"""Pages of lists: each row once, whatever the limit, and a cursor that is none of ours is refused."""

from __future__ import annotations

import base64
import json

import pytest

from tests.platform.asking import HERE, done, problem, shop
from tests.platform.conftest import on_both


@on_both
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
async def test_every_row_comes_once(client, limit):
    await shop(client)
    for n in range(7):
        await done(client.post(f"{HERE}/integrations", json={"name": f"i{n}"}))
    seen, cursor = [], None
    while True:
        params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        found = (await done(client.get(f"{HERE}/integrations", params=params))).json()
        assert len(found["items"]) <= limit
        seen += [each["name"] for each in found["items"]]
        cursor = found.get("next")
        if cursor is None:
            break
    assert seen == [f"i{n}" for n in reversed(range(7))]


def made(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


CURSORS = [
    "x", "%%%", made({}), made([]), made([1]), made(["a", "b"]), made([None, None]), made(["2026-01-01", 1]),
    made(["2026-01-01T00:00:00+00:00", "a\0"]), made([["a"], "b"]), "é", made("[" * 300), made([1e999, "a"]),
    made(["9999-12-31T23:59:59-23:59", "a"]), made(["0001-01-01T00:00:00+23:59", "a"]),
    made(["2026-01-01T00:00:00", "a"]), made(["2026-01-01T00:00:00+00:00", "\ud800"]),
]  # fmt: skip


@on_both
@pytest.mark.parametrize("cursor", CURSORS)
async def test_a_cursor_of_somebody_else_is_refused(client, cursor):
    await shop(client)
    assert await problem(client.get(f"{HERE}/integrations", params={"cursor": cursor})) == "bad-cursor"


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1e9"])
async def test_a_limit_is_between_1_and_200(client, limit):
    await shop(client)
    assert await problem(client.get(f"{HERE}/integrations", params={"limit": limit})) == "invalid"
