"""API keys of one's own: programs use them instead of signing in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import Field, StringConstraints
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth import keys as keys_
from octo_platform.auth.keys import LONGEST_DAYS, MOST, USUAL_DAYS
from octo_platform.auth.principal import Principal
from octo_platform.problem import Problem
from octo_platform.sessions import scopes as scopes_
from octo_platform.sessions.scopes import Scopes
from octo_platform.storage.tables import ApiKey, Workspace
from octo_platform.web import paging
from octo_platform.web.call import Asked, workspace_named
from octo_platform.web.paging import Cursor, Limit, Page
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import VISIBLE, Shape

routes = Routes("keys")


class Key(Shape):
    """A key, without its secret. scopes: the actions that it may, if its owner may them; or just "all".

    by_code: whether a program such as `octo login` got it by a code. It ends when its owner gets another password.
    """

    id: str
    name: str
    prefix: str
    scopes: list[str]
    workspace: str | None = None
    created_at: datetime
    expires_at: datetime
    by_code: bool
    used_at: datetime | None = None
    revoked_at: datetime | None = None


class NewKey(Shape):
    """scopes: "all", or actions; "read" and "deploy" mean those of them that the owner may.

    workspace: the only one that it reaches; without it, all of the owner's. days: until it expires.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=VISIBLE)]
    scopes: Scopes
    workspace: Annotated[str, StringConstraints(max_length=63)] | None = None
    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = USUAL_DAYS


class MadeKey(Key):
    """key: its secret, which is shown this once."""

    key: str


@routes.on("GET", "/keys", "keys.read")
async def keys(call: Asked, limit: Limit = 50, cursor: Cursor = None) -> Page[Key]:
    """List your keys, the newest first."""
    query = select(ApiKey).where(ApiKey.user_id == call.who.id)
    async with call.read() as session:
        rows = list(await session.scalars(paging.part(query, [ApiKey.id], cursor, limit, newest=True)))
        names = await _names(session, [each.workspace_id for each in rows if each.workspace_id])
    return paging.page(rows, limit, lambda row: [row.id], lambda row: _key(row, names))


@routes.on("POST", "/keys", "keys.write", status_code=201)
async def make(call: Asked, new: NewKey) -> MadeKey:
    """Make a key. It never may more than its owner, and it cannot make keys."""
    call.target = new.name
    identity = call.installation.identity
    if call.user_id is None:
        raise Problem("conflict", "without signing in, nobody owns a key, and none is needed")
    scopes = _held(call.who, new.scopes)
    async with call.write() as session:
        workspace = await _reached(session, call.who, new.workspace) if new.workspace is not None else None
        if len(await keys_.active(session, call.user_id, identity.clock())) >= MOST:
            raise Problem("limit", f"you have {MOST} keys; revoke one")
        place = workspace.id if workspace else None
        row, text = identity.keys.make(call.user_id, new.name, scopes, place, new.days)
        session.add(row)
        await session.flush()
    names = {workspace.id: workspace.name} if workspace else {}
    return MadeKey(**_key(row, names).model_dump(), key=text)


@routes.on("DELETE", "/keys/{id}", "keys.write", status_code=204)
async def revoke(call: Asked, id: Annotated[str, Path(max_length=36)]) -> None:  # noqa: A002
    """Revoke a key of yours. It counts no more from the next request on."""
    own = (ApiKey.id == id, ApiKey.user_id == call.who.id, ApiKey.revoked_at.is_(None))
    async with call.write() as session:
        name = await session.scalar(select(ApiKey.name).where(*own))
        if name is None:
            raise Problem("not-found", "you have no such key")
        call.target = name
        await session.execute(update(ApiKey).where(*own).values(revoked_at=call.installation.identity.clock()))


def _held(who: Principal, asked: Scopes) -> list[str]:
    """What a key gets. Raises `Problem` for an action by name that somebody may not themselves."""
    wanted = scopes_.actions(asked)
    held = scopes_.own(who, wanted)
    if isinstance(asked, list) and (missing := [each for each in wanted if each not in held]):
        raise Problem("not-allowed", f"scopes: you may not {missing[0]!r} yourself")
    return held


async def _reached(session: AsyncSession, who: Principal, name: str) -> Workspace:
    found = await workspace_named(session, name)
    if found is None or not who.roles_in(found.id):
        raise Problem("not-found", f"there is no workspace {name[:63]!r}")
    return found


async def _names(session: AsyncSession, ids: list[str]) -> dict[str, str]:
    query = select(Workspace.id, Workspace.name).where(Workspace.id.in_(ids))
    return dict((await session.execute(query)).all())


def _key(row: ApiKey, names: Mapping[str, str]) -> Key:
    return Key(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        scopes=row.scopes,
        workspace=names.get(row.workspace_id or ""),
        created_at=row.created_at,
        expires_at=row.expires_at,
        by_code=row.by_code,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
