"""The members of a workspace: who may what in it. Its administrators say so, and only for it."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import Path, Response
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth import people
from octo_platform.problem import Problem
from octo_platform.storage.tables import Grant, User
from octo_platform.users.fields import GivenRole
from octo_platform.users.users import found, give
from octo_platform.web import paging
from octo_platform.web.call import Call, Within
from octo_platform.web.paging import Cursor, Limit, Page
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import Shape

routes = Routes("members")
Named = Annotated[str, Path(max_length=320, description="The id of a user, or the address of one who has a password")]


class Member(Shape):
    """A user with a role in a workspace."""

    user: str
    email: str
    name: str
    role: str
    disabled: bool


class Wanted(Shape):
    """The role that a user shall have in the workspace."""

    role: GivenRole


@routes.on("GET", "/workspaces/{workspace}/members", "members.read")
async def members(call: Within, limit: Limit = 50, cursor: Cursor = None) -> Page[Member]:
    """List who has a role in this workspace. Those who have one in all of them are not listed."""
    query = cast("Select[Any]", select(User, Grant)).join(Grant, Grant.user_id == User.id)
    query = query.where(Grant.workspace == call.space.id)
    async with call.read() as session:
        rows = (await session.execute(paging.part(query, [User.id], cursor, limit, newest=False))).all()
    return paging.page(rows, limit, lambda row: [row[0].id], lambda row: _member(row[0], row[1]))


@routes.on("PUT", "/workspaces/{workspace}/members/{user}", "members.write")
async def put(call: Within, user: Named, wanted: Wanted) -> Member:
    """Let a user have a role in this workspace. They have it with their next request."""
    async with call.write() as session:
        await people.lock(session)
        row = await _changeable(call, session, user)
        await give(session, row.id, call.space.id, wanted.role)
        await call.installation.identity.marks.end(session, "user", row.id)
    return _member(row, Grant(user_id=row.id, workspace=call.space.id, role=wanted.role))


@routes.on("DELETE", "/workspaces/{workspace}/members/{user}", "members.write", status_code=204)
async def remove(call: Within, user: Named) -> Response:
    """Take the role in this workspace from a user. It bites with their next request."""
    async with call.write() as session:
        await people.lock(session)
        row = await _changeable(call, session, user)
        if await session.get(Grant, (row.id, call.space.id)) is None:
            raise Problem("not-found", "this user has no role here")
        await give(session, row.id, call.space.id, None)
        await call.installation.identity.marks.end(session, "user", row.id)
    return Response(status_code=204)


async def _changeable(call: Call, session: AsyncSession, user: str) -> User:
    if "@" in user and (of_email := await people.user_of_email(session, user)):
        user = of_email.id
    row = await found(session, user, for_update=True)
    call.target = f"{call.space.name}/{row.email or row.id}"
    if row.roles_from == "provider":
        raise Problem("conflict", "the roles of this user follow what the identity provider says")
    return row


def _member(user: User, grant: Grant) -> Member:
    return Member(user=user.id, email=user.email, name=user.name, role=grant.role, disabled=user.disabled)
