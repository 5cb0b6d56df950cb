"""The routes of folders."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import StringConstraints
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.problem import Problem
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import Folder, Integration
from octo_platform.web.call import Call, Within
from octo_platform.web.etags import IfMatch, revise, tell
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import VISIBLE, Shape

routes = Routes("folders")

DEEPEST = 10
MOST = 2000

FolderName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=VISIBLE)]


class NewFolder(Shape):
    """A folder to be made. parent: the id of the folder that it is in; None at the top."""

    name: FolderName
    parent: str | None = None


class FolderChange(Shape):
    """What is changed; what is not sent stays."""

    name: FolderName | None = None
    parent: str | None = None


class FolderShown(Shape):
    """A folder. integrations: how many are in it, not counting those of folders in it."""

    id: str
    name: str
    parent: str | None = None
    integrations: int = 0


def shown(row: Folder, integrations: int = 0) -> FolderShown:
    return FolderShown(id=row.id, name=row.name, parent=row.parent_id, integrations=integrations)


@routes.on("GET", "/workspaces/{workspace}/folders", "folders.read")
async def list_folders(call: Within) -> list[FolderShown]:
    """List all folders, by name. There are at most 2,000."""
    count = select(func.count()).where(Integration.folder_id == Folder.id).scalar_subquery()
    query = select(Folder, count).where(Folder.workspace_id == call.space.id).order_by(Folder.name, Folder.id)
    async with call.read() as session:
        return [shown(row, number) for row, number in await session.execute(query)]


@routes.on("POST", "/workspaces/{workspace}/folders", "folders.write", status_code=201)
async def create_folder(call: Within, body: NewFolder, response: Response) -> FolderShown:
    call.target = f"folder {call.space.name}/{body.name}"
    async with call.write() as session:
        number = await session.scalar(select(func.count()).where(Folder.workspace_id == call.space.id))
        if (number or 0) >= MOST:
            raise Problem("limit", f"a workspace has at most {MOST} folders")
        await _check_parent(session, call, body.parent, None)
        row = Folder(workspace_id=call.space.id, name=body.name, parent_id=body.parent, parent_key=body.parent or "")
        session.add(row)
        await session.flush()
    tell(response, row)
    return shown(row)


@routes.on("PATCH", "/workspaces/{workspace}/folders/{folder}", "folders.write")
async def change_folder(
    call: Within, folder: str, body: FolderChange, response: Response, if_match: IfMatch = None
) -> FolderShown:
    """Rename a folder, or move it with what is in it."""
    call.target = f"folder {call.space.name}/{folder}"
    async with call.write() as session:
        row = await _folder(session, call, folder)
        revise(row, if_match)
        row.name = body.name or row.name
        if "parent" in body.model_fields_set:
            await _check_parent(session, call, body.parent, row.id)
            row.parent_id, row.parent_key = body.parent, body.parent or ""
        await session.flush()
    tell(response, row)
    return shown(row)


@routes.on("GET", "/workspaces/{workspace}/folders/{folder}", "folders.read")
async def read_folder(call: Within, folder: str, response: Response) -> FolderShown:
    async with call.read() as session:
        row = await _folder(session, call, folder)
        number = await session.scalar(select(func.count()).where(Integration.folder_id == row.id))
    tell(response, row)
    return shown(row, number or 0)


@routes.on("DELETE", "/workspaces/{workspace}/folders/{folder}", "folders.write", status_code=204)
async def delete_folder(call: Within, folder: str, if_match: IfMatch = None) -> None:
    """Delete an empty folder. One with folders or integrations in it is in use."""
    call.target = f"folder {call.space.name}/{folder}"
    async with call.write() as session:
        row = await _folder(session, call, folder)
        revise(row, if_match)
        await session.delete(row)


async def _folder(session: AsyncSession, call: Call, folder: str) -> Folder:
    row = await session.get(Folder, folder, with_for_update=LOCK)
    if row is None or row.workspace_id != call.space.id:
        raise Problem("not-found", "there is no such folder in this workspace")
    return row


async def _check_parent(session: AsyncSession, call: Call, parent: str | None, moved: str | None) -> None:
    """Refuse a parent that is not there, is too deep, or lies in the folder that is moved."""
    depth = 0
    while parent is not None:
        if parent == moved:
            raise Problem("conflict", "a folder cannot be moved into itself")
        depth += 1
        if depth >= DEEPEST:
            raise Problem("limit", f"folders are at most {DEEPEST} deep")
        parent = (await _folder(session, call, parent)).parent_id
