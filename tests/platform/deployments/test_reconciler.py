"""What is wanted comes to run: after failures, after crashes, and never by guessing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import update

from octo_platform.api.app import create_app
from octo_platform.api.serving import installed
from octo_platform.deployments.reconciler import Reconciler
from octo_platform.storage.tables import Deployment, now
from tests.platform.asking import (
    ANY,
    FLOW,
    HERE,
    deployment,
    done,
    integration,
    problem,
    shop,
    until,
    until_gone,
)  # fmt: skip
from tests.platform.conftest import BASE, on_both
from tests.platform.pretence import Pretence

ONE = f"{HERE}/deployments/dev:orders"


@pytest.fixture
async def ready(client, reconciling):
    """`dev:orders` runs v1; v2 is there, too."""
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    changed = FLOW.replace("Hello", "Bye").encode()
    await done(client.put(f"{HERE}/integrations/orders/files/orders.yaml", content=changed, headers=ANY))
    await done(client.post(f"{HERE}/integrations/orders/versions", json={"tag": "v2"}))
    await deployment(client)
    return await until(client, phase="running", observedGeneration=1)


async def outcomes(client):
    found = (await done(client.get(f"{ONE}/releases"))).json()["items"]
    return [(each["generation"], each["tag"], each["cause"], each["outcome"]) for each in found]


async def roll(client, tag, **more):
    return await done(client.post(f"{ONE}/rollout", json={"tag": tag, **more}, headers=ANY))


@on_both
async def test_the_life_of_a_deployment(client, ready, pretence):
    assert (ready["runningTag"], ready["ready"], ready["internalUrl"]) == ("v1", 1, "http://orders.test:8080")
    await roll(client, "v2")
    await until(client, phase="running", runningTag="v2")
    await done(client.post(f"{ONE}/rollback", json={}, headers=ANY))
    await until(client, phase="running", runningTag="v1", observedGeneration=3)
    await done(client.post(f"{ONE}/scale", json={"replicas": 3}, headers=ANY))
    assert len((await until(client, ready=3, observedGeneration=4))["instances"]) == 3
    await done(client.post(f"{ONE}/pause", headers=ANY))
    await until(client, phase="paused", ready=0)
    await done(client.post(f"{ONE}/resume", headers=ANY))
    await until(client, phase="running", ready=3)
    before = pretence.applied[-1].restart
    await done(client.post(f"{ONE}/restart", headers=ANY))
    await until(client, phase="running", observedGeneration=7)
    assert pretence.applied[-1].restart != before
    await done(client.delete(ONE, headers=ANY))
    await until_gone(client)
    assert pretence.desired == {}


@on_both
async def test_a_version_that_fails_goes_back_by_itself(client, ready, pretence):
    pretence.bad.add("v2")
    await roll(client, "v2", settings={"replicas": 2})
    found = await until(client, phase="running", observedGeneration=3)
    assert (found["tag"], found["runningTag"], found["ready"]) == ("v1", "v1", 1)
    assert await outcomes(client) == [
        (3, "v1", "automatic rollback", "ready"),
        (2, "v2", "rollout", "failed"),
        (1, "v1", "deploy", "replaced"),
    ]
    reason = (await client.get(f"{ONE}/releases")).json()["items"][1]["reason"]
    assert reason == "CrashLoop: v2 ends at once"


async def test_a_way_back_that_fails_too_is_not_gone_again(client, ready, pretence):
    pretence.bad |= {"v1", "v2"}
    await roll(client, "v2")
    await until(client, phase="failed", observedGeneration=3)
    assert [each[3] for each in await outcomes(client)] == ["failed", "failed", "ready"]
    pretence.bad.clear()
    await until(client, phase="running", generation=3)


async def test_the_first_version_has_nothing_to_go_back_to(client, pretence, reconciling):
    pretence.bad.add("v1")
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    await deployment(client)
    found = await until(client, phase="failed")
    assert found["reasons"] == [{"code": "CrashLoop", "text": "v1 ends at once"}]
    assert await problem(client.post(f"{ONE}/rollback", json={}, headers=ANY)) == "conflict"


async def test_one_that_takes_too_long_has_failed(client, ready, pretence, installation):
    installation.options = installation.options.model_copy(update={"progress_deadline": 0.0})
    slow = pretence.observe

    async def observe(id_):
        found = await slow(id_)
        return found.model_copy(update={"phase": "progressing"}) if pretence.desired[id_].tag == "v2" else found

    pretence.observe = observe
    await roll(client, "v2")
    await until(client, phase="running", observedGeneration=3)
    assert (await outcomes(client))[1] == (2, "v2", "rollout", "failed")


@on_both
async def test_a_target_that_cannot_be_reached_changes_nothing(client, ready, pretence, reconciling):
    pretence.reachable = False
    await roll(client, "v2")
    found = await until(client, generation=2, reasons=[{"code": "TargetUnreachable", "text": "nobody answers"}])
    assert (found["phase"], found["runningTag"], found["observedGeneration"]) == ("progressing", "v1", 1)
    await done(client.delete(ONE, headers=ANY))
    await asyncio.sleep(1.5)
    await until(client, phase="removing")
    pretence.reachable = True
    await until_gone(client)


async def test_silence_does_not_use_up_the_time_for_becoming_ready(client, ready, pretence, installation):
    """A target that could not be reached for longer than the deadline has not failed."""
    installation.options = installation.options.model_copy(update={"progress_deadline": 0.5})
    pretence.reachable = False
    await roll(client, "v2")
    found = await until(client, reasons=[{"code": "TargetUnreachable", "text": "nobody answers"}])
    seen = found["observedAt"]
    async with asyncio.timeout(60):
        while (await until(client, generation=2))["observedAt"] == seen:
            await asyncio.sleep(0.02)
    pretence.reachable = True
    await until(client, phase="running", observedGeneration=2, runningTag="v2")


async def test_a_target_that_refuses_is_a_failed_release(client, ready, pretence):
    pretence.refuses = "the quota is used up"
    await roll(client, "v2")
    await until(client, observedGeneration=3, phase="failed")
    assert (await client.get(f"{ONE}/releases")).json()["items"][1]["reason"] == "Refused: the quota is used up"


async def test_what_cannot_be_removed_at_once_is_removed_later(client, ready, pretence):
    pretence.lingering.add(ready["id"])
    await done(client.delete(ONE, headers=ANY))
    assert await problem(client.post(f"{ONE}/scale", json={"replicas": 2}, headers=ANY)) == "conflict"
    await until_gone(client)


async def test_drift_that_a_target_tells_of_is_corrected(client, ready, pretence):
    gone = pretence.desired.pop(ready["id"])
    pretence.told.put_nowait(ready["id"])
    async with asyncio.timeout(60):
        while ready["id"] not in pretence.desired:
            await asyncio.sleep(0.02)
    assert pretence.desired[ready["id"]] == gone


async def test_what_belongs_to_nobody_is_removed_and_new_ones_are_not(client, ready, pretence, installation):
    pretence.desired["orphan"] = pretence.desired[ready["id"]].model_copy(update={"deployment": "orphan"})
    reconciler = Reconciler(installation)
    for _, each in await reconciler._places():
        await reconciler._sweep(each)
    assert [*pretence.desired] == [ready["id"]]


@on_both
async def test_a_slug_is_given_once_also_at_the_same_moment(client, reconciling):
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    body = {"environment": "dev", "integration": "orders", "tag": "v1"}
    answers = await asyncio.gather(*(client.post(f"{HERE}/deployments", json=body) for _ in range(10)))
    assert sorted(each.status_code for each in answers) == [201, *[409] * 9]


@on_both
async def test_another_process_goes_on_where_one_was_killed(client, options, pretence, installation):
    """Between any two steps: what was begun by the first is finished by the second."""
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    await deployment(client)
    for ended in range(6):
        first = Reconciler(installation)
        task = asyncio.get_running_loop().create_task(first.run())
        for _ in range(ended * 5):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with installed(options, {"local": pretence.opened, "kubernetes": pretence.opened}) as other:
        task = asyncio.get_running_loop().create_task(Reconciler(other).run())
        await until(client, phase="running", observedGeneration=1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@on_both
async def test_one_whose_place_is_gone_for_ever_can_be_forgotten(client, ready, pretence):
    pretence.reachable = False
    await done(client.delete(ONE, headers=ANY))
    assert await problem(client.delete(ONE, headers=ANY)) == "conflict"
    await until(client, phase="removing", reasons=[{"code": "TargetUnreachable", "text": "nobody answers"}])
    await done(client.delete(f"{ONE}?forget=true", headers=ANY))
    assert await problem(client.get(ONE)) == "not-found"


# --- what users of other platforms have reported ------------------------------------------------------------------


async def test_environments_that_share_a_place_keep_each_others_deployments(client, ready, pretence, installation):
    """As Istio's operator once did (istio#19741): what is another one's is no stray."""
    await done(client.post(f"{HERE}/environments", json={"name": "twin", "target": "local"}))
    reconciler = Reconciler(installation)
    for _, each in await reconciler._places():
        await reconciler._sweep(each)
    assert [*pretence.desired] == [ready["id"]]


@pytest.fixture
def slow(pretence, monkeypatch):
    """Nothing becomes ready before it is said."""
    seen, waiting = pretence.observe, asyncio.Event()

    async def observe(id_):
        found = await seen(id_)
        is_late = found.phase == "running" and not waiting.is_set() and pretence.desired[id_].tag == "v2"
        return found.model_copy(update={"phase": "progressing", "ready": 0}) if is_late else found

    monkeypatch.setattr(pretence, "observe", observe)
    return waiting


async def _long_ago(installation):
    async with installation.database.write() as session:
        await session.execute(update(Deployment).values(progress_at=now() - timedelta(hours=1)))


async def until_looked(client, since):
    """The deployment was looked at twice since then: the first look may have begun before."""
    for _ in range(2):
        async with asyncio.timeout(60):
            while datetime.fromisoformat((await until(client)).get("observedAt") or "1970-01-01T00:00Z") <= since:
                await asyncio.sleep(0.02)
        since = datetime.now(UTC)


async def test_the_deadline_of_a_rollout_does_not_run_while_no_platform_runs(client, installation, pretence, slow):
    await shop(client)
    await integration(client, "orders", FLOW, "v2")
    await deployment(client, "v2")
    await _long_ago(installation)
    task = asyncio.get_running_loop().create_task(Reconciler(installation).run())
    await until_looked(client, datetime.now(UTC))
    assert await outcomes(client) == [(1, "v2", "deploy", "")]
    slow.set()
    await until(client, phase="running", observedGeneration=1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_version_that_has_never_run_is_nothing_to_go_back_to(client, ready, pretence):
    """knative/serving#16649: what was never started counted as good."""
    await done(client.post(f"{ONE}/pause", headers=ANY))
    await until(client, phase="paused", observedGeneration=2)
    await roll(client, "v2")
    await until(client, phase="paused", observedGeneration=3, runningTag="v1")
    pretence.bad.add("v2")
    await done(client.post(f"{ONE}/resume", headers=ANY))
    found = await until(client, phase="running", observedGeneration=5)
    assert (found["tag"], found["runningTag"]) == ("v1", "v1")
    assert [each[2:] for each in await outcomes(client)] == [
        ("automatic rollback", "ready"),
        ("resume", "failed"),
        ("rollout", "paused"),
        ("pause", "paused"),
        ("deploy", "replaced"),
    ]


async def test_one_target_that_hangs_holds_up_no_other(options, pretence):
    """argo-cd#19816: one cluster that did not answer took all others with it."""
    gone = Hanging()
    async with installed(options, {"local": pretence.opened, "kubernetes": gone.opened}) as found:
        transport = httpx.ASGITransport(create_app(found))
        async with httpx.AsyncClient(transport=transport, base_url=f"{BASE}/api/v1") as client:
            await shop(client)
            far = {"name": "far", "target": "kubernetes", "settings": {"namespace": "far"}}
            await done(client.post(f"{HERE}/environments", json=far))
            await integration(client, "orders", FLOW, "v1")
            for number in range(60):
                body = {"environment": "far", "integration": "orders", "tag": "v1", "slug": f"o-{number}"}
                await done(client.post(f"{HERE}/deployments", json=body))
            task = asyncio.get_running_loop().create_task(Reconciler(found).run())
            async with asyncio.timeout(60):
                await gone.is_full.wait()
            await deployment(client)
            await until(client, phase="running", observedGeneration=1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Hanging(Pretence):
    """A target that never answers."""

    def __init__(self):
        super().__init__()
        self.is_full = asyncio.Event()

    async def apply(self, desired):
        self.is_full.set()
        await asyncio.Event().wait()


async def test_a_removal_that_does_not_end_says_what_is_left(client, ready, pretence, monkeypatch):
    """argo-cd#5817: it was being deleted for ever, and nobody was told why."""

    async def remove(deployment):
        return False

    monkeypatch.setattr(pretence, "remove", remove)
    await done(client.delete(ONE, headers=ANY))
    found = await until(client, phase="removing", reasons=[{"code": "Removing", "text": "something of it is left"}])
    assert found["ready"] == 1
    monkeypatch.undo()
    await until_gone(client)


async def test_a_target_that_is_opened_anew_is_listened_to_once(client, ready, pretence, installation):
    reconciler = Reconciler(installation)
    old, new = Pretence(), Pretence()
    reconciler._watched["x"] = new
    old.changes = ended
    await reconciler._listen("x", old)
    assert reconciler._watched == {"x": new}


async def ended():
    return
    yield
