"""Finding integrations, their files and versions, always within a workspace."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.flows.archive import Files, check_files
from octo_platform.problem import Problem
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import File, Integration, Version, now


async def integration(session: AsyncSession, workspace_id: str, name: str, *, lock: bool = False) -> Integration:
    """The integration of that name or id. Raises `Problem`."""
    query = select(Integration).where(Integration.workspace_id == workspace_id)
    query = query.where(or_(Integration.id == name, Integration.name == name))
    # An id first: so nobody takes the place of another one by a name that looks like its id.
    query = query.order_by((Integration.id == name).desc()).limit(1)
    row = await session.scalar(query.with_for_update(**LOCK) if lock else query)
    if row is None:
        raise Problem("not-found", f"there is no integration {name[:100]!r} in this workspace")
    return row


async def files_of(session: AsyncSession, integration_id: str) -> Files:
    query = select(File.path, File.content).where(File.integration_id == integration_id)
    return {path: content for path, content in await session.execute(query)}  # noqa: C416  rows are no pairs to mypy


async def version(session: AsyncSession, of: Integration, tag: str) -> Version:
    """The version with that tag. Raises `Problem`."""
    row = await session.scalar(select(Version).where(Version.integration_id == of.id, Version.tag == tag))
    if row is None:
        raise Problem("not-found", f"{of.name} has no version {tag[:100]!r}")
    return row


async def put_files(session: AsyncSession, of: Integration, new: Mapping[str, bytes], *, whole: bool) -> int:
    """Write files, and return how many bytes more there are. whole: they are all that it has from now on.

    Raises `Problem` if they are too many, or too large.
    """
    rows = {row.path: row for row in await session.scalars(select(File).where(File.integration_id == of.id))}
    kept = {} if whole else {path: row.content for path, row in rows.items()}
    all_ = kept | dict(new)
    check_files(all_)
    before = sum(len(row.content) for row in rows.values())
    if whole:
        for path in rows.keys() - new.keys():
            await session.delete(rows[path])
    for path, content in new.items():
        row = rows.get(path)
        if row is None:
            session.add(File(integration_id=of.id, path=path, content=content))
        elif row.content != content:
            row.content = content
            row.revision += 1
    of.updated_at = now()
    return sum(map(len, all_.values())) - before
