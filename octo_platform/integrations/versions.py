"""The routes of versions: check what there is, tag it, list and delete what is tagged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import Response
from pydantic import Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.faults import meaning
from octo_platform.flows.archive import Files, content_hash, packed
from octo_platform.integrations import store
from octo_platform.problem import Problem
from octo_platform.storage.database import STAYS
from octo_platform.storage.tables import Bundle, Deployment, Release, Version
from octo_platform.web import limits
from octo_platform.web.call import Call, Within
from octo_platform.web.paging import Cursor, Limit, Page, page, part
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import Shape

routes = Routes("versions")

_ROOT = "/workspaces/{workspace}/integrations/{integration}"
Tag = Annotated[
    str,
    StringConstraints(
        pattern=meaning(
            r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
            "it has letters, digits, `.`, `_` and `-`, begins with a letter or digit, and has at most 63",
        )
    ),
]


class NewVersion(Shape):
    """A version to be made of the files as they are."""

    tag: Tag
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""


class VersionShown(Shape):
    """A version. hash: of its files, 64 hexadecimal digits; equal files have equal hashes."""

    tag: str
    hash: str
    note: str
    created_at: datetime


class Checked(Shape):
    """What `octo check` says. facts: what the files contain and need."""

    ok: bool
    problems: list[dict[str, Any]] = Field(default_factory=list)
    warnings: list[dict[str, Any]] = Field(default_factory=list)
    facts: dict[str, Any] = Field(default_factory=dict)


def shown(row: Version) -> VersionShown:
    return VersionShown(tag=row.tag, hash=row.hash, note=row.note, created_at=row.created_at)


def checked(facts: Mapping[str, Any]) -> Checked:
    said = ("ok", "problems", "warnings")
    rest = {name: value for name, value in facts.items() if name not in said}
    return Checked(ok=facts["ok"], problems=facts["problems"], warnings=facts["warnings"], facts=rest)


@routes.on("POST", f"{_ROOT}/check", "integrations.read", tool=True)
async def check_integration(call: Within, integration: str) -> Checked:
    """Check the files as they are. Problems are no failure of this request."""
    async with call.read() as session:
        row = await store.integration(session, call.space.id, integration)
        files = await store.files_of(session, row.id)
    return checked(await _facts(call, files))


@routes.on("POST", f"{_ROOT}/versions", "versions.write", tool=True, status_code=201)
async def create_version(call: Within, integration: str, body: NewVersion) -> VersionShown:
    """Tag the files as they are. Files with problems cannot be tagged."""
    call.target = f"version {call.space.name}/{integration} {body.tag}"
    async with call.read() as session:
        row = await store.integration(session, call.space.id, integration)
        files = await store.files_of(session, row.id)
        hash_ = content_hash(files)
        known = await session.get(Bundle, hash_)
    bundle = known or await _bundle(call, files, hash_)
    async with call.write() as session:
        row = await store.integration(session, call.space.id, integration, lock=True)
        await limits.one_more_version(session, call, row)
        if await session.get(Bundle, hash_, with_for_update=STAYS) is None:
            session.add(Bundle(hash=hash_, archive=bundle.archive, facts=bundle.facts))
            await session.flush()
        made = Version(integration_id=row.id, tag=body.tag, hash=hash_, note=body.note, created_by=call.user_id)
        session.add(made)
        await session.flush()
    return shown(made)


async def _bundle(call: Call, files: Files, hash_: str) -> Bundle:
    facts = await _facts(call, files)
    if not facts["ok"]:
        raise Problem("flow-problems", "the flow files have problems, see `problems`", problems=facts["problems"][:100])
    if not facts["flows"]:
        raise Problem("flow-problems", "there is no flow in these files", problems=[])
    return Bundle(hash=hash_, archive=packed(files), facts=facts)


async def _facts(call: Call, files: Files) -> dict[str, Any]:
    with call.installation.checks.taken(call.who.id):  # each is a process that may take a minute
        return await call.installation.inspector.facts(files)


@routes.on("GET", f"{_ROOT}/versions", "versions.read", tool=True)
async def list_versions(
    call: Within,
    integration: str,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[VersionShown]:
    """List versions, the newest first."""
    async with call.read() as session:
        row = await store.integration(session, call.space.id, integration)
        query = select(Version).where(Version.integration_id == row.id)
        rows = (await session.scalars(part(query, [Version.id], cursor, limit, newest=True))).all()
    return page(rows, limit, lambda each: [each.id], shown)


@routes.on("GET", f"{_ROOT}/versions/{{tag}}", "versions.read")
async def read_version(call: Within, integration: str, tag: str) -> VersionShown:
    async with call.read() as session:
        row = await store.integration(session, call.space.id, integration)
        return shown(await store.version(session, row, tag))


@routes.on("GET", f"{_ROOT}/versions/{{tag}}/archive", "versions.read", response_class=Response)
async def read_version_archive(call: Within, integration: str, tag: str) -> Response:
    """Send the files of a version as a zip archive."""
    async with call.read() as session:
        row = await store.integration(session, call.space.id, integration)
        version = await store.version(session, row, tag)
        bundle = await session.get_one(Bundle, version.hash)
    headers = {"ETag": f'"{version.hash}"', "Content-Disposition": f'attachment; filename="{row.name}-{tag}.zip"'}
    return Response(bundle.archive, media_type="application/zip", headers=headers)


@routes.on("DELETE", f"{_ROOT}/versions/{{tag}}", "versions.write", status_code=204)
async def delete_version(call: Within, integration: str, tag: str) -> None:
    """Delete a version that no deployment has run. It never changes, so it has no ETag."""
    call.target = f"version {call.space.name}/{integration} {tag}"
    async with call.write() as session:
        row = await store.integration(session, call.space.id, integration, lock=True)
        version = await store.version(session, row, tag)
        if slugs := await _users(session, version):
            raise Problem("in-use", f"it is deployed as {', '.join(slugs[:5])}", deployments=slugs)
        await session.delete(version)


async def _users(session: AsyncSession, version: Version) -> list[str]:
    query = select(Deployment.slug).join(Release, Release.deployment_id == Deployment.id)
    return sorted({*await session.scalars(query.where(Release.version_id == version.id).limit(50))})
