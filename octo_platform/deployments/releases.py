"""The generations of a deployment: each change of what is wanted is a release of its own, so it can be gone back to."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.deployments.settings import Settings, secrets_needed
from octo_platform.environments import services
from octo_platform.problem import Problem
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import Bundle, Deployment, Environment, Release, Secret, Version, now

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a deployment was looked at that nobody has looked at since it was changed."""


async def release(session: AsyncSession, of: Deployment, generation: int | None = None) -> Release:
    """A release; the one that is wanted, unless another is named. Raises `Problem`."""
    found = await session.get(Release, (of.id, generation or of.generation))
    if found is None:
        raise Problem("not-found", f"{of.slug} has no generation {generation}")
    return found


def settings_of(row: Release) -> Settings:
    return Settings.model_validate(row.settings)


def want(
    session: AsyncSession, of: Deployment, version_id: str, settings: Settings, cause: str, user_id: str | None
) -> Release:
    """Want something else: the next generation."""
    of.generation += 1
    of.phase = "progressing"
    of.progress_at = of.updated_at = now()
    of.status_at = NEVER
    made = Release(
        deployment_id=of.id,
        generation=of.generation,
        version_id=version_id,
        settings=settings.model_dump(by_alias=True, mode="json"),
        cause=cause,
        created_by=user_id,
    )
    session.add(made)
    return made


async def facts_of(session: AsyncSession, version_id: str) -> dict[str, object]:
    """What `octo check --facts` said of a version."""
    query = select(Bundle.facts).join(Version, Version.hash == Bundle.hash).where(Version.id == version_id)
    return dict((await session.scalars(query)).one())


async def using_secret(
    session: AsyncSession, workspace_id: str, environment_id: str | None, name: str
) -> list[Deployment]:
    """The deployments that get this secret: in its environment, or in all that have none of this name themselves.

    They are locked, and before the secret is: who rolls one locks it first, and then its secrets.
    """
    query = (
        select(Deployment, Release, Bundle.facts, Environment.settings)
        .join(Release, (Release.deployment_id == Deployment.id) & (Release.generation == Deployment.generation))
        .join(Version, Version.id == Release.version_id)
        .join(Bundle, Bundle.hash == Version.hash)
        .join(Environment, Environment.id == Deployment.environment_id)
        .where(Deployment.workspace_id == workspace_id, Deployment.wanted != "gone")
    )
    if environment_id is not None:
        query = query.where(Deployment.environment_id == environment_id)
    else:
        own = await _with_own(session, workspace_id, name)
        query = query.where(Deployment.environment_id.notin_(own)) if own else query
    # In one order: of two secrets that change at once, each would else wait for what the other has locked.
    rows = (await session.execute(query.order_by(Deployment.id).with_for_update(of=Deployment, **LOCK))).all()
    return [
        row
        for row, made, facts, place in rows
        if name in secrets_needed(facts, settings_of(made)).values() or name in services.names(place)
    ]


async def _with_own(session: AsyncSession, workspace_id: str, name: str) -> list[str]:
    """The environments that have a secret of this name themselves."""
    query = select(Environment.id).join(Secret, Secret.environment_id == Environment.id)
    return [*await session.scalars(query.where(Secret.workspace_id == workspace_id, Secret.name == name))]


async def roll_for_secret(
    session: AsyncSession, workspace_id: str, environment_id: str | None, name: str, user_id: str | None
) -> list[str]:
    """Want a new generation of each deployment that gets this secret. Return their slugs."""
    rows = await using_secret(session, workspace_id, environment_id, name)
    for each in rows:
        present = await release(session, each)
        want(session, each, present.version_id, settings_of(present), "secret", user_id)
        each.revision += 1
    return sorted(each.slug for each in rows)
