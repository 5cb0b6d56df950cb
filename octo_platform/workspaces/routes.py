"""The routes of workspaces."""

from __future__ import annotations

from datetime import datetime

from fastapi import Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth.principal import EVERYWHERE
from octo_platform.problem import Problem
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import Environment, Integration, Secret, Workspace
from octo_platform.web.call import Asked, Call, Within
from octo_platform.web.etags import IfMatch, revise, tell
from octo_platform.web.paging import Cursor, Limit, Page, page, part
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import Name, Shape, Title

routes = Routes("workspaces")


class NewWorkspace(Shape):
    """A workspace to be made."""

    name: Name
    title: Title = ""


class WorkspaceChange(Shape):
    """What is changed of a workspace."""

    title: Title


class WorkspaceShown(Shape):
    """A workspace."""

    id: str
    name: str
    title: str
    created_at: datetime
    updated_at: datetime


def shown(row: Workspace) -> WorkspaceShown:
    return WorkspaceShown(
        id=row.id, name=row.name, title=row.title, created_at=row.created_at, updated_at=row.updated_at
    )


@routes.on("GET", "/workspaces", "workspaces.list", tool=True)
async def list_workspaces(call: Asked, limit: Limit = 50, cursor: Cursor = None) -> Page[WorkspaceShown]:
    """List the workspaces in which one has a role, by name."""
    query = select(Workspace)
    who = call.who
    if who.workspace is not None:
        query = query.where(Workspace.id == who.workspace)
    if EVERYWHERE not in who.roles:
        query = query.where(Workspace.id.in_(who.roles))
    async with call.read() as session:
        rows = (await session.scalars(part(query, [Workspace.name], cursor, limit, newest=False))).all()
    return page(rows, limit, lambda each: [each.name], shown)


@routes.on("POST", "/workspaces", "workspaces.write", status_code=201)
async def create_workspace(call: Asked, body: NewWorkspace, response: Response) -> WorkspaceShown:
    row = Workspace(name=body.name, title=body.title)
    call.target = f"workspace {body.name}"
    async with call.write() as session:
        session.add(row)
        await session.flush()
    tell(response, row)
    return shown(row)


@routes.on("GET", "/workspaces/{workspace}", "workspace.read")
async def read_workspace(call: Within, response: Response) -> WorkspaceShown:
    tell(response, call.space)
    return shown(call.space)


@routes.on("PATCH", "/workspaces/{workspace}", "workspace.write")
async def change_workspace(
    call: Within, body: WorkspaceChange, response: Response, if_match: IfMatch = None
) -> WorkspaceShown:
    call.target = f"workspace {call.space.name}"
    async with call.write() as session:
        row = await _locked(session, call)
        revise(row, if_match)
        row.title = body.title
    tell(response, row)
    return shown(row)


@routes.on("DELETE", "/workspaces/{workspace}", "workspaces.write", status_code=204)
async def delete_workspace(call: Within, if_match: IfMatch = None) -> None:
    """Delete an empty workspace. One with integrations, environments or secrets is in use."""
    call.target = f"workspace {call.space.name}"
    async with call.write() as session:
        row = await _locked(session, call)
        revise(row, if_match)
        for table in (Integration, Environment, Secret):
            if await session.scalar(select(table.id).where(table.workspace_id == row.id).limit(1)):
                raise Problem("in-use", f"it has {table.__tablename__}: remove them first")
        await session.delete(row)


async def _locked(session: AsyncSession, call: Call) -> Workspace:
    row = await session.get(Workspace, call.space.id, with_for_update=LOCK)
    if row is None:
        raise Problem("not-found")
    return row
