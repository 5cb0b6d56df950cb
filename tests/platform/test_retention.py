"""What is kept for some time only goes by itself, and nothing else does."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from octo_platform import retention
from octo_platform.storage.tables import (
    Answered,
    ApiKey,
    AuditEntry,
    Bundle,
    Deployment,
    DeviceRequest,
    Grant,
    Login,
    Mark,
    User,
    now,
)
from tests.platform.asking import ANY, FLOW, HERE, deployment, done, integration, shop, until
from tests.platform.conftest import on_both

YEAR = timedelta(days=365)


def after(**much):
    return lambda: now() + timedelta(**much)


async def _count(installation, table) -> int:
    async with installation.database.read() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


@on_both
async def test_the_audit_log_keeps_entries_for_as_long_as_it_is_told(client, installation, monkeypatch):
    monkeypatch.setattr(retention, "_AT_ONCE", 2)
    for name in ("a", "b", "c"):
        await done(client.post("/workspaces", json={"name": name}))
    assert (await retention.sweep(installation.database, YEAR))["audit"] == 0
    assert (await retention.sweep(installation.database, YEAR, after(days=364)))["audit"] == 0
    assert (await retention.sweep(installation.database, YEAR, after(days=366)))["audit"] == 3
    assert await _count(installation, AuditEntry) == 0


@on_both
async def test_releases_go_but_for_the_newest_and_the_good_one(client, installation, reconciling, monkeypatch):
    monkeypatch.setattr(retention, "RELEASES", 2)
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    await deployment(client)
    await until(client, phase="running")
    one = f"{HERE}/deployments/dev:orders"
    for _ in range(5):
        await done(client.post(f"{one}/restart", headers=ANY))
    await until(client, phase="running", observedGeneration=6)
    async with installation.database.write() as session:
        await session.execute(update(Deployment).values(good_release=2))
    await retention.sweep(installation.database, YEAR)
    found = (await done(client.get(f"{one}/releases"))).json()["items"]
    assert [each["generation"] for each in found] == [6, 5, 2]
    await done(client.get(one))


@on_both
async def test_files_that_no_version_has_any_more_go(client, installation):
    """Else tagging and deleting, again and again, fills the disk."""
    await shop(client)
    await integration(client, "orders", FLOW, "v1", "v2")
    await done(client.delete(f"{HERE}/integrations/orders/versions/v1"))
    assert (await retention.sweep(installation.database, YEAR, after(hours=2)))["bundles"] == 0
    await done(client.delete(f"{HERE}/integrations/orders/versions/v2"))
    assert (await retention.sweep(installation.database, YEAR))["bundles"] == 0, "it may be on its way"
    assert (await retention.sweep(installation.database, YEAR, after(hours=2)))["bundles"] == 1
    await integration(client, "more", FLOW, "v1")
    assert await _count(installation, Bundle) == 1


async def test_what_has_expired_goes(house):
    boss = await house.signed_in("boss", "admin")
    ann = await house.person("ann", "viewer", "01890000-0000-7000-8000-000000000000")
    await house.key(boss, days=30)
    await done(boss.post("/workspaces", json={"name": "shop"}, headers={"Idempotency-Key": "k"}))
    await done(boss.post("/device", json={"client": "octo"}))
    await house.installation.identity.marks.use("x", now() + timedelta(minutes=1))
    sweep = retention.sweep
    first = await sweep(house.installation.database, YEAR)
    assert {name: count for name, count in first.items() if count} == {"grants": 1}
    gone = await sweep(house.installation.database, YEAR, after(days=400))
    assert {name for name, count in gone.items() if count} >= {"answered", "marks", "logins", "api_keys"}
    for table in (Answered, ApiKey, DeviceRequest, Login, Mark):
        assert await _count(house.installation, table) == 0
    assert await _count(house.installation, Grant) == 1
    assert await _count(house.installation, User) == 2
    assert ann.id


async def test_a_clock_that_was_set_removes_nothing_at_once(installation, monkeypatch):
    """An hour later it is believed."""
    swept = []

    class Clock:
        now = 0.0

        def time(self):
            return self.now

        def monotonic(self):
            return 0.0

    clock, shown = Clock(), iter([0.0, 1e9, 1e9])

    async def hour(_):
        if len(swept) == 2:
            raise asyncio.CancelledError
        clock.now = next(shown)

    async def sweep(*_):
        swept.append(clock.now)

    monkeypatch.setattr(retention.asyncio, "sleep", hour)
    monkeypatch.setattr(retention, "time", clock)
    monkeypatch.setattr(retention, "sweep", sweep)
    with pytest.raises(asyncio.CancelledError):
        await retention.run(installation)
    assert swept == [0.0, 1e9]
