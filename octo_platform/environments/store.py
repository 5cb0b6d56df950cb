"""Finding environments, always within a workspace."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.problem import Problem
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import Environment


async def environment(session: AsyncSession, workspace_id: str, name: str, *, lock: bool = False) -> Environment:
    """The environment of that name. Raises `Problem`."""
    query = select(Environment).where(Environment.workspace_id == workspace_id, Environment.name == name)
    row = await session.scalar(query.with_for_update(**LOCK) if lock else query)
    if row is None:
        raise Problem("not-found", f"there is no environment {name[:100]!r} in this workspace")
    return row
