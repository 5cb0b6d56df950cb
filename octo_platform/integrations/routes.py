"""The routes of integrations: list and search, make, change, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query, Response
from pydantic import Base64Bytes, Field
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.flows.archive import Files, checked_path
from octo_platform.integrations import samples, store
from octo_platform.problem import Problem
from octo_platform.storage.tables import Deployment, Folder, Integration, User
from octo_platform.web import limits
from octo_platform.web.call import Call, Within
from octo_platform.web.etags import IfMatch, revise, tell
from octo_platform.web.paging import Cursor, Limit, Page, Statement, page, part
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import Name, Shape, Title, is_text

routes = Routes("integrations")

STARTER = b"""flows:
  - name: hello
    process:
      - {type: set-payload, settings: {value: '"Hello, " + (has(body.name) ? body.name : "world")'}}
"""
UNFILED = "none"


class NewIntegration(Shape):
    """An integration to be made: from a sample, from files (text, or base64 in `binary`), or with a first flow."""

    name: Name
    title: Title = ""
    folder: str | None = None
    sample: str | None = None
    files: dict[str, str] = Field(default_factory=dict)
    binary: dict[str, Base64Bytes] = Field(default_factory=dict)


class IntegrationChange(Shape):
    """What is changed; what is not sent stays. folder: its id, or null for none."""

    name: Name | None = None
    title: Title | None = None
    folder: str | None = None


class IntegrationShown(Shape):
    """An integration, without its files."""

    id: str
    name: str
    title: str
    folder: str | None = None
    created_at: datetime
    updated_at: datetime
    updated_by: str | None = None


Row = tuple[Integration, str | None]


def shown(row: Integration, email: str | None) -> IntegrationShown:
    return IntegrationShown(
        id=row.id,
        name=row.name,
        title=row.title,
        folder=row.folder_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        updated_by=email,
    )


@routes.on("GET", "/samples", "workspaces.list", tool=True)
async def list_samples() -> list[str]:
    """List the samples that an integration can be made from."""
    return samples.names()


@routes.on("GET", "/workspaces/{workspace}/integrations", "integrations.read", tool=True)
async def list_integrations(
    call: Within,
    q: Annotated[str, Query(max_length=100, description="A part of the name or title")] = "",
    folder: Annotated[str, Query(max_length=36, description="The id of a folder; `none` for what is in none")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[IntegrationShown]:
    """List integrations, those changed last first."""
    query = select(Integration, User.email).outerjoin(User, User.id == Integration.updated_by)
    query = _filtered(query.where(Integration.workspace_id == call.space.id), q, folder)
    by = [Integration.updated_at, Integration.id]
    async with call.read() as session:
        rows = [tuple(each) for each in await session.execute(part(query, by, cursor, limit, newest=True))]
    return page(rows, limit, lambda each: [each[0].updated_at, each[0].id], lambda each: shown(*each))


def _filtered(query: Statement, q: str, folder: str) -> Statement:
    if q := q.replace("\0", ""):
        like = f"%{q.lower().translate(_ESCAPED)}%"
        query = query.where(
            or_(*(func.lower(each).like(like, escape="!") for each in (Integration.name, Integration.title)))
        )
    if folder == UNFILED:
        return query.where(Integration.folder_id.is_(None))
    return query.where(Integration.folder_id == folder) if folder else query


_ESCAPED = str.maketrans({each: f"!{each}" for each in "!%_"})


@routes.on("POST", "/workspaces/{workspace}/integrations", "integrations.write", tool=True, status_code=201)
async def create_integration(call: Within, body: NewIntegration, response: Response) -> IntegrationShown:
    """Make an integration: from a sample, from files, or with a first flow."""
    call.target = f"integration {call.space.name}/{body.name}"
    files = _first_files(body)
    async with call.write() as session:
        await limits.one_more(session, call, "integrations")
        row = Integration(
            workspace_id=call.space.id,
            folder_id=await _folder(session, call, body.folder),
            name=body.name,
            title=body.title,
            created_by=call.user_id,
            updated_by=call.user_id,
        )
        session.add(row)
        await session.flush()
        more = await store.put_files(session, row, files, whole=True)
        await limits.more_bytes(session, call, more)
        await session.flush()
    tell(response, row)
    response.headers["Location"] = f"/api/v1/workspaces/{call.space.name}/integrations/{body.name}"
    return shown(row, None)


def _first_files(body: NewIntegration) -> Files:
    if body.sample is not None:
        return samples.sample(body.sample)
    given = {checked_path(path): _bytes(path, text) for path, text in body.files.items()}
    given |= {checked_path(path): content for path, content in body.binary.items()}
    return given or {f"{body.name}.yaml": STARTER}


def _bytes(path: str, text: str) -> bytes:
    if not is_text(text):
        raise Problem("invalid", f"files.{path}: it has half a character, which no encoding has")
    return text.encode()


async def _folder(session: AsyncSession, call: Call, folder: str | None) -> str | None:
    if folder is None:
        return None
    row = await session.get(Folder, folder)
    if row is None or row.workspace_id != call.space.id:
        raise Problem("not-found", "there is no such folder in this workspace")
    return row.id


@routes.on("GET", "/workspaces/{workspace}/integrations/{integration}", "integrations.read")
async def read_integration(call: Within, integration: str, response: Response) -> IntegrationShown:
    """Show an integration, by name or id."""
    async with call.read() as session:
        row = await store.integration(session, call.space.id, integration)
        email = await session.scalar(select(User.email).where(User.id == row.updated_by))
    tell(response, row)
    return shown(row, email)


@routes.on("PATCH", "/workspaces/{workspace}/integrations/{integration}", "integrations.write")
async def change_integration(
    call: Within,
    integration: str,
    body: IntegrationChange,
    response: Response,
    if_match: IfMatch = None,
) -> IntegrationShown:
    """Rename, or move to another folder. Deployments keep their addresses."""
    call.target = f"integration {call.space.name}/{integration}"
    async with call.write() as session:
        row = await store.integration(session, call.space.id, integration, lock=True)
        revise(row, if_match)
        row.name = body.name or row.name
        row.title = row.title if body.title is None else body.title
        if "folder" in body.model_fields_set:
            row.folder_id = await _folder(session, call, body.folder)
        row.updated_by = call.user_id
        await session.flush()
    tell(response, row)
    return shown(row, None)


@routes.on("DELETE", "/workspaces/{workspace}/integrations/{integration}", "integrations.write", status_code=204)
async def delete_integration(call: Within, integration: str, if_match: IfMatch = None) -> None:
    """Delete an integration with its versions. One that is deployed is in use: delete its deployments first."""
    call.target = f"integration {call.space.name}/{integration}"
    async with call.write() as session:
        row = await store.integration(session, call.space.id, integration, lock=True)
        revise(row, if_match)
        slugs = (await session.scalars(select(Deployment.slug).where(Deployment.integration_id == row.id))).all()
        if slugs:
            raise Problem("in-use", f"it is deployed as {', '.join(sorted(slugs)[:5])}", deployments=sorted(slugs)[:50])
        await session.delete(row)
