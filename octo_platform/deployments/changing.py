"""What changes of a deployment mean: each that touches what runs is a release of its own."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.deployments import releases, store
from octo_platform.deployments.settings import Settings, SettingsChange, check_complete, secrets_needed
from octo_platform.environments import services
from octo_platform.environments.store import environment as environment_named
from octo_platform.ids import new_id
from octo_platform.integrations.store import integration as integration_named, version as version_tagged
from octo_platform.problem import Problem
from octo_platform.storage import secrets
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import Deployment, Environment, Integration, Release, Version
from octo_platform.web import limits
from octo_platform.web.call import Call


async def create(
    session: AsyncSession,
    call: Call,
    environment: str,
    integration: str,
    tag: str,
    slug: str | None,
    settings: Settings,
) -> Deployment:
    """Want a new deployment. That its address is free is a constraint of the database."""
    await limits.one_more(session, call, "deployments")
    where = await environment_named(session, call.space.id, environment)
    of = await integration_named(session, call.space.id, integration)
    version = await version_tagged(session, of, tag)
    await check(session, where, version.id, settings, stays=True)
    row = store.made(call.installation, of, where, slug)
    row.host = store.host_of(call.installation, where, settings.expose)
    session.add(row)
    await session.flush()
    releases.want(session, row, version.id, settings, "deploy", call.user_id)
    return row


async def check(
    session: AsyncSession, where: Environment, version_id: str, settings: Settings, *, stays: bool = False
) -> None:
    """Refuse what could not start. stays: nobody deletes the secrets until the transaction ends. Raises `Problem`."""
    facts = await releases.facts_of(session, version_id)
    of_place = services.names(where.settings)
    names = [*secrets_needed(facts, settings).values(), *of_place]
    there = await secrets.found(session, where, names, stay=stays)
    check_complete(facts, settings, {*there})
    if missing := [each for each in of_place if each not in there]:
        raise Problem(
            "no-such-secret", f"services of {where.name} need the secrets {', '.join(missing)}", missing=missing
        )


async def roll(
    session: AsyncSession, call: Call, row: Deployment, tag: str | None, change: SettingsChange, cause: str
) -> None:
    """Want another version, other settings, or both."""
    present = await releases.release(session, row)
    settings = change.applied(releases.settings_of(present))
    version_id = present.version_id
    if tag is not None:
        of = await session.get_one(Integration, row.integration_id)
        version_id = (await version_tagged(session, of, tag)).id
    await _want(session, call, row, version_id, settings, cause)


async def _want(
    session: AsyncSession, call: Call, row: Deployment, version_id: str, settings: Settings, cause: str
) -> None:
    where = await session.get_one(Environment, row.environment_id)
    await check(session, where, version_id, settings, stays=True)
    row.host = store.host_of(call.installation, where, settings.expose)
    releases.want(session, row, version_id, settings, cause, call.user_id)


async def back(session: AsyncSession, call: Call, row: Deployment, generation: int | None) -> None:
    """Want what an earlier release wanted. What it has since been: paused or not, stays."""
    if generation is None:
        generation = await _last_good(session, row)
    if generation >= row.generation:
        raise Problem("conflict", f"it is at generation {row.generation}: go back to one before")
    earlier = await releases.release(session, row, generation)
    await _want(session, call, row, earlier.version_id, releases.settings_of(earlier), "rollback")


async def _last_good(session: AsyncSession, row: Deployment) -> int:
    present = await releases.release(session, row)
    query = select(Release.generation).where(
        Release.deployment_id == row.id, Release.generation < row.generation, Release.outcome.in_(("ready", "replaced"))
    )
    if present.outcome in ("ready", "paused"):
        query = query.where(Release.version_id != present.version_id)
    found = await session.scalar(query.order_by(Release.generation.desc()).limit(1))
    if found is None:
        raise Problem("conflict", "there is nothing before this that became ready")
    return found


async def restart(session: AsyncSession, call: Call, row: Deployment) -> None:
    present = await releases.release(session, row)
    settings = releases.settings_of(present).model_copy(update={"restart": new_id()})
    releases.want(session, row, present.version_id, settings, "restart", call.user_id)


async def switch(session: AsyncSession, call: Call, row: Deployment, to: Literal["running", "paused", "gone"]) -> None:
    """Pause, go on, or remove."""
    if row.wanted == to:
        raise Problem("conflict", f"it is {to} already")
    row.wanted = to
    if to == "gone":
        row.phase = "progressing"
        return
    present = await releases.release(session, row)
    cause = "pause" if to == "paused" else "resume"
    releases.want(session, row, present.version_id, releases.settings_of(present), cause, call.user_id)


async def promote(
    session: AsyncSession, call: Call, source: Deployment, environment: str, slug: str | None
) -> Deployment:
    """Deploy the version that is known to run in another environment, or roll what is there to it."""
    version, there = await promoted(session, call, source, environment, slug)
    if there is None:
        present = releases.settings_of(await releases.release(session, source))
        settings = present.model_copy(update={"expose": None})
        of = await session.get_one(Integration, source.integration_id)
        return await create(session, call, environment, of.name, version.tag, slug or source.slug, settings)
    if there.wanted == "gone":
        raise Problem("conflict", "it is being removed")
    settings = releases.settings_of(await releases.release(session, there))
    await _want(session, call, there, version.id, settings, "promotion")
    there.revision += 1
    return there


async def promoted(
    session: AsyncSession, call: Call, source: Deployment, environment: str, slug: str | None
) -> tuple[Version, Deployment | None]:
    """The version that would be promoted, and the deployment that is there already."""
    if source.good_release == 0:
        raise Problem("conflict", "no version of it has become ready here yet")
    good = await releases.release(session, source, source.good_release)
    version = await session.get_one(Version, good.version_id)
    where = await environment_named(session, call.space.id, environment)
    if where.id == source.environment_id:
        raise Problem("conflict", f"it is in {environment} already")
    query = select(Deployment).where(
        Deployment.environment_id == where.id,
        Deployment.integration_id == source.integration_id,
        Deployment.slug == (slug or source.slug),
    )
    return version, await session.scalar(query.with_for_update(**LOCK))
