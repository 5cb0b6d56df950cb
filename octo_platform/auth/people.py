"""Users, what they may, and that somebody always can change it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth.policy import ROLES, Role
from octo_platform.auth.principal import EVERYWHERE
from octo_platform.problem import Problem
from octo_platform.storage.tables import Grant, User

GIVEN: tuple[Role, ...] = tuple(role for role in ROLES if role != "runtime")
"""The roles of people, the strongest first."""

_LOCK = 0x0C70_0001


async def lock(session: AsyncSession) -> None:
    """Let changes of users and roles happen one after the other; on SQLite, all writes do.

    Without it, two who are demoted at once could each see the other as the administrator who is left.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))


async def roles_of(session: AsyncSession, user_id: str) -> dict[str, Role]:
    """Role by workspace id, or "*"."""
    rows = await session.execute(select(Grant.workspace, Grant.role).where(Grant.user_id == user_id))
    return {workspace: role for workspace, role in rows if role in GIVEN}


async def user_of_email(session: AsyncSession, email: str) -> User | None:
    """Who signs in here with this address. Those whom a provider knows are not meant, whatever it says of them."""
    query = select(User).where(func.lower(User.email) == email.lower(), User.subject.is_(None))
    return await session.scalar(query)


async def is_anybody_admin(session: AsyncSession) -> bool:
    """Whether somebody who can sign in may everything."""
    query = (
        select(User.id)
        .join(Grant, Grant.user_id == User.id)
        .where(Grant.workspace == EVERYWHERE, Grant.role == "admin", User.disabled.is_(False))
        .limit(1)
    )
    return await session.scalar(query) is not None


@asynccontextmanager
async def changing(session: AsyncSession) -> AsyncIterator[None]:
    """Change users or roles, in their turn. Raises `Problem`, which takes it back, if it leaves no administrator."""
    await lock(session)
    had_one = await is_anybody_admin(session)
    yield
    await session.flush()
    if had_one and not await is_anybody_admin(session):
        raise Problem("conflict", "this is the last administrator: make somebody else one first")


async def grant(session: AsyncSession, user_id: str, roles: Mapping[str, Role]) -> bool:
    """Let a user have exactly these roles. Return whether that changes any."""
    if await roles_of(session, user_id) == roles:
        return False
    await session.execute(delete(Grant).where(Grant.user_id == user_id))
    session.add_all(Grant(user_id=user_id, workspace=workspace, role=role) for workspace, role in roles.items())
    await session.flush()
    return True
