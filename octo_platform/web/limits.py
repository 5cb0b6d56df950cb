"""How much a workspace may have, so that one fills no disk of all. What there is already stays where a limit sinks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.problem import Problem
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import (
    Bundle,
    Deployment,
    Environment,
    File,
    Integration,
    Secret,
    Version,
    Workspace,
)
from octo_platform.web.call import Call

_OF_SPACE: dict[str, Any] = {
    "integrations": Integration,
    "environments": Environment,
    "deployments": Deployment,
    "secrets": Secret,
}


async def one_more(session: AsyncSession, call: Call, what: str) -> None:
    """Refuse if the workspace has all that it may. what: the name of the limit. Raises `Problem`."""
    # Two who come at once are counted one after the other.
    await session.get(Workspace, call.space.id, with_for_update=LOCK)
    table = _OF_SPACE[what]
    count = await session.scalar(select(func.count()).where(table.workspace_id == call.space.id))
    _check(call, what, count or 0, "a workspace")


async def one_more_version(session: AsyncSession, call: Call, of: Integration) -> None:
    """Refuse if an integration, whose row is locked, has all versions that it may. Raises `Problem`."""
    count = await session.scalar(select(func.count()).where(Version.integration_id == of.id))
    _check(call, "versions", count or 0, "an integration")
    bundles = select(Version.hash).join(Integration, Integration.id == Version.integration_id)
    mine = Bundle.hash.in_(bundles.where(Integration.workspace_id == call.space.id))
    facts = func.pg_column_size(Bundle.facts) if _is_postgres(session) else func.length(Bundle.facts)
    size = func.length(Bundle.archive) + facts
    _check_size(call, await session.scalar(select(func.sum(size)).where(mine)), "versions")


async def more_bytes(session: AsyncSession, call: Call, more: int) -> None:
    """Refuse if the files of the workspace, as they were just written, have more bytes than they may.

    more: how many have come; what makes them fewer is taken in any case. Raises `Problem`.
    """
    if more <= 0:
        return
    mine = select(Integration.id).where(Integration.workspace_id == call.space.id)
    size = select(func.sum(func.length(File.content))).where(File.integration_id.in_(mine))
    _check_size(call, await session.scalar(size), "files")


def _check(call: Call, what: str, count: int, of: str) -> None:
    most: int = getattr(call.installation.options.limits, what)
    if count >= most:
        raise Problem("limit", f"{of} has at most {most:,} {what} here: delete some first", limit=what)


def _check_size(call: Call, size: int | None, what: str) -> None:
    most = call.installation.options.limits.megabytes
    if (size or 0) > most * 1_000_000:
        raise Problem("limit", f"the {what} of a workspace have at most {most:,} MB here", limit="megabytes")


def _is_postgres(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "postgresql"
