"""Deployments and releases as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.storage.tables import Deployment, Environment, Integration, Release, Version
from octo_platform.web.shapes import Shape


class DeploymentShown(Shape):
    """A deployment. phase: progressing, running, degraded, failed or paused; `removing` once it was deleted.

    generation: of what is wanted; observed_generation: the newest that was carried out. tag: the version that is
    wanted; running_tag: the one that is known to run. reasons: why it is not as it shall be. claimed: whether a process
    of the platform works on it.
    """

    id: str
    environment: str
    integration: str
    slug: str
    tag: str
    running_tag: str | None = None
    phase: str
    generation: int
    observed_generation: int
    settings: dict[str, Any]
    wanted: int = 0
    ready: int = 0
    reasons: list[dict[str, str]] = Field(default_factory=list)
    instances: list[dict[str, Any]] = Field(default_factory=list)
    internal_url: str | None = None
    external_url: str | None = None
    created_at: datetime
    updated_at: datetime
    observed_at: datetime | None = None


class ReleaseShown(Shape):
    """What was wanted of a deployment at some time. outcome: empty while unknown, `ready`, `failed` or `replaced`."""

    generation: int
    tag: str
    cause: str
    outcome: str
    reason: str
    settings: dict[str, Any]
    created_at: datetime

    @classmethod
    def of(cls, row: Release, tag: str) -> ReleaseShown:
        return cls(
            generation=row.generation,
            tag=tag,
            cause=row.cause,
            outcome=row.outcome,
            reason=row.reason,
            settings=row.settings,
            created_at=row.created_at,
        )


def select_shown() -> Select[*tuple[Any, ...]]:
    """All that `shown` needs, in one query."""
    return (
        select(Deployment, Environment.name, Integration.name, Version.tag, Release.settings)
        .join(Environment, Environment.id == Deployment.environment_id)
        .join(Integration, Integration.id == Deployment.integration_id)
        .join(Release, (Release.deployment_id == Deployment.id) & (Release.generation == Deployment.generation))
        .join(Version, Version.id == Release.version_id)
    )


async def read(session: AsyncSession, row: Deployment) -> DeploymentShown:
    return shown((await session.execute(select_shown().where(Deployment.id == row.id))).one())


def shown(found: Row[*tuple[Any, ...]]) -> DeploymentShown:
    row: Deployment = found[0]
    status = row.status
    return DeploymentShown(
        id=row.id,
        environment=found[1],
        integration=found[2],
        slug=row.slug,
        tag=found[3],
        running_tag=status.get("tag"),
        phase="removing" if row.wanted == "gone" else row.phase,
        generation=row.generation,
        observed_generation=row.observed_generation,
        settings=found[4],
        wanted=status.get("wanted", 0),
        ready=status.get("ready", 0),
        reasons=status.get("reasons", []),
        instances=status.get("instances", []),
        internal_url=status.get("internal_url"),
        external_url=status.get("external_url"),
        created_at=row.created_at,
        updated_at=row.updated_at,
        observed_at=row.status_at if row.status_at.year > 1970 else None,
    )
