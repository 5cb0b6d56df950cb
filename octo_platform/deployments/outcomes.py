"""What is concluded from what a target sees: a release is ready, or it has failed and what ran before comes back."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from octo.core.log import fields
from octo_platform.deploy.target import Observed, Reason
from octo_platform.deployments import releases
from octo_platform.installation import Installation
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import Deployment, Release, Version, now

log = logging.getLogger("octo.platform.reconciler")

AUTOMATIC = "automatic rollback"
_MOST_TEXT = 2000


async def note(installation: Installation, deployment: str, generation: int, seen: Observed) -> None:
    """Keep what was seen of a generation, and draw the conclusion. A newer generation is judged by the next look."""
    async with installation.database.write() as session:
        row = await session.get(Deployment, deployment, with_for_update=LOCK)
        if row is None:
            return
        tag = row.status.get("tag")
        if row.generation == generation and row.wanted != "gone":
            tag = await _judge(session, row, seen, timedelta(seconds=installation.options.progress_deadline))
        _keep(row, seen, tag)
        row.claimed_until = None
    _ring(installation, deployment)


async def note_removing(installation: Installation, deployment: str, seen: Observed) -> None:
    """Say what is left of a deployment that is being removed."""
    left = Reason(code="Removing", text="something of it is left")
    seen = seen.model_copy(update={"reasons": (left, *seen.reasons)})
    async with installation.database.write() as session:
        row = await session.get(Deployment, deployment, with_for_update=LOCK)
        if row is None:
            return
        _keep(row, seen, row.status.get("tag"))
        row.claimed_until = None
    _ring(installation, deployment)


async def note_unreachable(installation: Installation, deployment: str, reason: Reason) -> None:
    """Say why nothing new is known. All that was known stays, and the time for becoming ready begins anew."""
    async with installation.database.write() as session:
        row = await session.get(Deployment, deployment, with_for_update=LOCK)
        if row is None:
            return
        others = [each for each in row.status.get("reasons", []) if each["code"] != reason.code]
        row.status = {**row.status, "reasons": [reason.model_dump(), *others]}
        row.claimed_until = None
        row.status_at = row.progress_at = now()
    _ring(installation, deployment)


async def forget(installation: Installation, deployment: str) -> None:
    """Forget a deployment of which nothing is left."""
    async with installation.database.write() as session:
        await session.execute(delete(Release).where(Release.deployment_id == deployment))
        await session.execute(delete(Deployment).where(Deployment.id == deployment, Deployment.wanted == "gone"))
    _ring(installation, deployment)


def _ring(installation: Installation, deployment: str) -> None:
    installation.bells.ring(f"deployment/{deployment}")


async def _judge(session: AsyncSession, row: Deployment, seen: Observed, deadline: timedelta) -> str | None:
    """Draw the conclusion. Return the tag that is known to run."""
    release = await releases.release(session, row)
    tag: str | None = row.status.get("tag")
    if seen.phase == "running" and seen.generation == row.generation:
        if release.outcome != "ready":
            await _is_ready(session, row, release)
        version = await session.get_one(Version, release.version_id)
        tag = version.tag
    elif seen.phase == "paused" and seen.generation == row.generation:
        # Nothing was started, so nothing is known to be good: what was so before still is what one goes back to.
        release.outcome = release.outcome or "paused"
        row.observed_generation = release.generation
    elif release.outcome == "" and (seen.phase == "failed" or now() - row.progress_at > deadline):
        await _has_failed(session, row, release, seen)
    return tag


async def _is_ready(session: AsyncSession, row: Deployment, release: Release) -> None:
    before = update(Release).where(Release.deployment_id == row.id, Release.outcome == "ready")
    await session.execute(before.values(outcome="replaced"))
    release.outcome, release.reason = "ready", ""
    row.observed_generation = row.good_release = release.generation
    log.info("a release is ready", extra=fields(deployment=row.slug, generation=release.generation))


async def _has_failed(session: AsyncSession, row: Deployment, release: Release, seen: Observed) -> None:
    """Go back to what ran before, unless this already was the way back."""
    text = "; ".join(f"{each.code}: {each.text}" for each in seen.reasons) or "it did not become ready in time"
    release.outcome, release.reason = "failed", text[:_MOST_TEXT]
    row.observed_generation = release.generation
    log.warning("a release has failed", extra=fields(deployment=row.slug, generation=release.generation, reason=text))
    if row.good_release and release.cause != AUTOMATIC:
        good = await releases.release(session, row, row.good_release)
        releases.want(session, row, good.version_id, releases.settings_of(good), AUTOMATIC, None)
        row.revision += 1


def _keep(row: Deployment, seen: Observed, tag: str | None) -> None:
    status = seen.model_dump(mode="json", exclude={"phase", "generation"}) | {"tag": tag}
    if status != row.status:
        row.status = status
    if row.observed_generation == row.generation or seen.phase != "running":
        row.phase = "progressing" if seen.phase == "absent" else seen.phase
    row.status_at = now()
