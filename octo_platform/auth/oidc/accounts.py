"""The users whom a provider knows: made at their first sign-in, by issuer and subject, and never by their address."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth import people
from octo_platform.auth.marks import Marks
from octo_platform.auth.oidc import claims as claims_
from octo_platform.auth.oidc.provider import Answer
from octo_platform.auth.oidc.signed import subject_of
from octo_platform.options import Oidc
from octo_platform.problem import Problem
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import User

_LONGEST = 600


def subject(options: Oidc, sub: str) -> str:
    """How somebody is named here: a subject means something only to its issuer."""
    return f"{options.issuer} {sub}"


async def admitted(session: AsyncSession, options: Oidc, answer: Answer, marks: Marks, at: datetime) -> User:
    """The user whom the provider has confirmed, with the roles that it gives. Raises `Problem`.

    Without a mapping of roles, an administrator gives them here, and they stay as they are.
    """
    await people.lock(session)
    user = await _found(session, subject(options, subject_of(answer.claims)))
    if user.disabled:
        raise Problem("not-allowed", "your account is disabled")
    user.email = claims_.text(answer.claims, "email", 320).lower() or user.email
    user.name = claims_.text(answer.claims, "name", 200) or user.name
    user.seen_at = at
    user.roles_from = "provider" if options.roles else "here"
    await session.flush()
    if options.roles:
        values = claims_.given(answer.claims, options.roles_claim)
        if await people.grant(session, user.id, await claims_.roles(session, options, values)):
            await marks.end(session, "user", user.id)
    return user


async def _found(session: AsyncSession, subject: str) -> User:
    if len(subject) > _LONGEST:
        raise Problem("sign-in-failed", "the provider's name for you is too long")
    user = await session.scalar(select(User).where(User.subject == subject).with_for_update(**LOCK))
    if user is None:
        user = User(subject=subject, email="", disabled=False)
        session.add(user)
        await session.flush()
    return user
