"""Logins: browsers that are signed in, and how they get the next session.

The cookie of a login is `id.turn.mac`. Each renewal is a new turn with a new cookie. Two tabs that renew at the same
moment send the same one: for a short while, the turn before is answered like the newest. A cookie of an older turn was
copied by somebody: then the login ends, for the thief and for the one it was stolen from.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth import people
from octo_platform.auth.marks import Marks
from octo_platform.auth.policy import Role
from octo_platform.auth.principal import Principal
from octo_platform.auth.signing import Signing
from octo_platform.storage.database import LOCK, Database
from octo_platform.storage.tables import AuditEntry, Login, User

log = logging.getLogger("octo.platform")

LONGEST = timedelta(days=7)
"""How long somebody stays signed in."""

IDLE = timedelta(hours=24)
"""How long somebody stays signed in who does nothing."""

GRACE = timedelta(seconds=20)
_PURPOSE = "renewal"
_COPIED = "a cookie was used that was renewed long ago: somebody may have copied it"


@dataclass(frozen=True)
class Turn:
    """A login that may go on. roles: those at the time `at`. is_first: whether this request has made the turn."""

    login: Login
    user: User
    roles: Mapping[str, Role]
    at: datetime
    is_first: bool


class Logins:
    """See the module."""

    def __init__(self, database: Database, signing: Signing, marks: Marks, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._signing = signing
        self._marks = marks
        self._clock = clock

    async def begin(
        self, session: AsyncSession, user: User, *, longest: timedelta = LONGEST, sid: str | None = None
    ) -> Login:
        """Add a login of a user to a transaction. Those that are too old go."""
        at = self._clock()
        await session.execute(delete(Login).where(or_(Login.expires_at <= at, Login.turned_at <= at - IDLE)))
        login = Login(user_id=user.id, turn=0, turned_at=at, sid=sid, created_at=at, expires_at=at + longest)
        session.add(login)
        user.seen_at = at
        await session.flush()
        return login

    async def cookie(self, login: Login) -> str:
        return f"{login.id}.{login.turn}.{await self._mac(login.id, login.turn)}"

    async def read(self, cookie: str) -> tuple[str, int] | None:
        """The login and the turn that a cookie is of; None if we did not make it."""
        id_, _, rest = cookie.partition(".")
        turn, _, mac = rest.partition(".")
        if len(cookie) > 200 or not turn.isdecimal() or not turn.isascii() or not mac.isascii():
            return None
        return (id_, int(turn)) if hmac.compare_digest(mac, await self._mac(id_, int(turn))) else None

    async def turn(self, cookie: str) -> Turn | None:
        """Let a login go on; None if it may not, and then it has ended."""
        if (found := await self.read(cookie)) is None:
            return None
        async with self._database.write() as session:
            login, user = await locked(session, found[0])
            if login is None or user is None:
                return None
            if why := self._why_not(login, user, found[1]):
                log.warning("a login ends", extra={"fields": {"user": user.id, "why": why}})
                await self.end(session, login.id)
                if why == _COPIED:
                    session.add(_entry(user, why))
                return None
            is_first = found[1] == login.turn
            if is_first:
                login.turn, login.turned_at = login.turn + 1, self._clock()
                user.seen_at = login.turned_at
            return Turn(login, user, await people.roles_of(session, user.id), self._clock(), is_first)

    def _why_not(self, login: Login, user: User, turn: int) -> str:
        at = self._clock()
        if user.disabled:
            return "the user is disabled"
        if at >= login.expires_at or at - login.turned_at >= IDLE:
            return "it is too old"
        if turn == login.turn or (turn == login.turn - 1 and abs(at - login.turned_at) < GRACE):
            return ""
        return _COPIED

    async def principal(self, id_: str) -> Principal | None:
        """Who is signed in with a login, and what they may now; None if it has ended."""
        query = select(Login, User).join(User, User.id == Login.user_id).where(Login.id == id_)
        async with self._database.read() as session:
            row = (await session.execute(query)).one_or_none()
            if row is None or row.User.disabled or self._clock() >= row.Login.expires_at:
                return None
            roles = await people.roles_of(session, row.User.id)
        return Principal(row.User.id, row.User.name or row.User.email, roles, way="cookie", login=id_)

    async def end(self, session: AsyncSession, login: str) -> None:
        """End a login and its sessions, in a transaction."""
        await session.execute(delete(Login).where(Login.id == login))
        await self._marks.end(session, "login", login)

    async def end_all(self, session: AsyncSession, user: str) -> None:
        """End all logins of a user and their sessions, in a transaction."""
        await session.execute(delete(Login).where(Login.user_id == user))
        await self._marks.end(session, "user", user)

    async def _mac(self, login: str, turn: int) -> str:
        return await self._signing.mac(_PURPOSE, f"{login}.{turn}")


def _entry(user: User, why: str) -> AuditEntry:
    target = f"{user.email or user.id}: {why}"
    return AuditEntry(actor=f"cookie:{user.id}", action="session.create", target=target, outcome=401, request="")


async def locked(session: AsyncSession, login: str) -> tuple[Login | None, User | None]:
    """A login and its user, whom nobody changes until the end of the transaction.

    The user is locked first: whoever changes users does that, too, and then ends their logins.
    """
    user_id = await session.scalar(select(Login.user_id).where(Login.id == login))
    user = await session.get(User, user_id, with_for_update=LOCK) if user_id else None
    return await session.get(Login, login, with_for_update=LOCK), user
