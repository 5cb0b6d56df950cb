"""The users of the platform. Only administrators of all of it see and change them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth import people
from octo_platform.auth.policy import Role
from octo_platform.auth.principal import EVERYWHERE
from octo_platform.problem import Problem
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import Grant, User, Workspace
from octo_platform.users.fields import Email, GivenRole, Name, Password
from octo_platform.web import etags, paging
from octo_platform.web.call import Asked
from octo_platform.web.etags import IfMatch
from octo_platform.web.paging import Cursor, Limit, Page
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import Shape

routes = Routes("users")
Id = Annotated[str, Path(max_length=36, pattern="^[0-9a-f-]+$")]


class Person(Shape):
    """A user. way: "password" or "provider". role: the one in all workspaces, and in the platform itself.

    roles_from: "provider" if the roles follow what the identity provider says; then they cannot be changed here.
    """

    id: str
    email: str
    name: str
    way: str
    role: str | None = None
    roles_from: str
    disabled: bool
    created_at: datetime
    seen_at: datetime | None = None


class Detail(Person):
    """With the role in each workspace, by its name."""

    workspaces: dict[str, str]


class New(Shape):
    """A user who signs in with a password. The administrator tells it to them; they can change it."""

    email: Email
    name: Name = ""
    password: Password
    role: GivenRole | None = None


class Change(Shape):
    """What shall be different; what is not sent stays. role: null takes it away."""

    email: Email | None = None
    name: Name | None = None
    password: Password | None = None
    role: GivenRole | None = None
    disabled: bool | None = None


@routes.on("GET", "/users", "users.read")
async def users(call: Asked, limit: Limit = 50, cursor: Cursor = None) -> Page[Person]:
    """List the users in the order in which they were made."""
    async with call.read() as session:
        rows = list(await session.scalars(paging.part(select(User), [User.id], cursor, limit, newest=False)))
        roles = await _platform_roles(session, [each.id for each in rows])
    return paging.page(rows, limit, lambda row: [row.id], lambda row: _person(row, roles))


@routes.on("POST", "/users", "users.write", status_code=201)
async def add(call: Asked, new: New, response: Response) -> Detail:
    """Make a user who signs in with a password."""
    call.target = new.email
    if not call.installation.options.passwords:
        raise Problem("sign-in-off", "users come from the identity provider: they are made when they sign in")
    hashed = await call.installation.identity.passwords.hashed(new.password.get_secret_value())
    async with call.write() as session:
        await people.lock(session)
        user = User(email=new.email, name=new.name, password=hashed)
        session.add(user)
        await session.flush()
        if new.role:
            session.add(Grant(user_id=user.id, workspace=EVERYWHERE, role=new.role))
            await session.flush()
        told = await _detail(session, user)
    etags.tell(response, user)
    return told


@routes.on("GET", "/users/{id}", "users.read")
async def user(call: Asked, id: Id, response: Response) -> Detail:  # noqa: A002
    """Show a user and their roles."""
    async with call.read() as session:
        row = await found(session, id)
        told = await _detail(session, row)
    etags.tell(response, row)
    return told


@routes.on("PATCH", "/users/{id}", "users.write")
async def change(call: Asked, id: Id, change: Change, response: Response, if_match: IfMatch = None) -> Detail:  # noqa: A002
    """Change a user. Whoever is disabled, or has another password or role, is signed out at once.

    With another password, or when they are disabled, keys that `octo login` got end, too. Other keys stay: they do not
    count while their owner is disabled.
    """
    identity = call.installation.identity
    hashed = await identity.passwords.hashed(change.password.get_secret_value()) if change.password else None
    async with call.write() as session, people.changing(session):
        row = await found(session, id, for_update=True)
        call.target = row.email or row.id
        etags.revise(row, if_match)
        _check(row, change)
        row.email, row.name = change.email or row.email, row.name if change.name is None else change.name
        row.disabled = row.disabled if change.disabled is None else change.disabled
        row.password = hashed or row.password
        if "role" in change.model_fields_set:
            await give(session, row.id, EVERYWHERE, change.role)
        if hashed or change.disabled:
            await identity.sign_out(session, row.id)
        elif "role" in change.model_fields_set:
            await identity.marks.end(session, "user", row.id)
        await session.flush()
        told = await _detail(session, row)
    etags.tell(response, row)
    return told


@routes.on("DELETE", "/users/{id}", "users.write", status_code=204)
async def remove(call: Asked, id: Id, if_match: IfMatch = None) -> None:  # noqa: A002
    """Delete a user, their keys and logins. What they have made stays."""
    async with call.write() as session, people.changing(session):
        row = await found(session, id, for_update=True)
        call.target = row.email or row.id
        etags.expect(row, if_match)
        await call.installation.identity.logins.end_all(session, row.id)
        await session.delete(row)


async def found(session: AsyncSession, id_: str, *, for_update: bool = False) -> User:
    """Raises `Problem`."""
    row = await session.get(User, id_, with_for_update=LOCK if for_update else None)
    if row is None:
        raise Problem("not-found", "there is no such user")
    return row


async def give(session: AsyncSession, user: str, place: str, role: Role | None) -> None:
    """Let a user have this role in a workspace or, with "*", everywhere; None takes it away."""
    row = await session.get(Grant, (user, place))
    if row is not None and role is None:
        await session.delete(row)
    elif row is not None and role is not None:
        row.role = role
    elif role is not None:
        session.add(Grant(user_id=user, workspace=place, role=role))


def _check(row: User, change: Change) -> None:
    if row.subject is not None and (change.password or change.email):
        raise Problem("conflict", "the identity provider says what the address of this user is, and lets them in")
    if row.roles_from == "provider" and "role" in change.model_fields_set:
        raise Problem("conflict", "the roles of this user follow what the identity provider says")


async def _platform_roles(session: AsyncSession, ids: list[str]) -> dict[str, str]:
    query = select(Grant.user_id, Grant.role).where(Grant.workspace == EVERYWHERE, Grant.user_id.in_(ids))
    return dict((await session.execute(query)).all())


def _person(row: User, roles: Mapping[str, str]) -> Person:
    return Person(**_fields(row), role=roles.get(row.id))


async def _detail(session: AsyncSession, row: User) -> Detail:
    query = select(Workspace.name, Grant.role).join(Grant, Grant.workspace == Workspace.id)
    named = (await session.execute(query.where(Grant.user_id == row.id).order_by(Workspace.name))).all()
    roles = await _platform_roles(session, [row.id])
    return Detail(**_fields(row), role=roles.get(row.id), workspaces=dict(named))


def _fields(row: User) -> dict[str, Any]:
    return {
        "id": row.id,
        "email": row.email,
        "name": row.name,
        "way": "password" if row.subject is None else "provider",
        "roles_from": row.roles_from,
        "disabled": row.disabled,
        "created_at": row.created_at,
        "seen_at": row.seen_at,
    }
