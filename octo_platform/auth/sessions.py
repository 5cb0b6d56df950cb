"""Sessions: short texts that say who somebody is and what they may, signed, so that no request looks them up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from octo_platform.auth import people
from octo_platform.auth.marks import AHEAD, SESSION, Marks
from octo_platform.auth.policy import Role
from octo_platform.auth.principal import Principal
from octo_platform.auth.signing import Signing
from octo_platform.storage.database import Database
from octo_platform.storage.tables import User

PURPOSE = "session"
_MOST_ROLES = 20
"""A cookie has at most 4 KB. Who has more roles has them looked up with each request."""

_LONGEST_NAME = 60


class Sessions:
    """See the module."""

    def __init__(self, database: Database, signing: Signing, marks: Marks, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._signing = signing
        self._marks = marks
        self._clock = clock

    async def token(self, user: User, login: str, roles: Mapping[str, Role], issued: datetime) -> str:
        """issued: a time before or at which the roles were read, while nobody could change them."""
        claims: dict[str, Any] = {
            "sub": user.id,
            "name": (user.name or user.email)[:_LONGEST_NAME],
            "login": login,
            "roles": dict(roles) if len(roles) <= _MOST_ROLES else None,
            "iat": issued.timestamp(),
        }
        return await self._signing.token(PURPOSE, claims, issued + SESSION)

    async def login_of(self, token: str) -> str | None:
        """Which login a session belongs to; None if it is not ours or too old."""
        claims = await self._signing.claims(PURPOSE, token, self._clock())
        return claims["login"] if claims else None

    async def principal(self, token: str) -> Principal | None:
        """Whose session it is; None if it is not ours, too old, or ended."""
        claims = await self._signing.claims(PURPOSE, token, self._clock())
        if claims is None or claims["iat"] > (self._clock() + AHEAD).timestamp():
            return None  # from before a clock was set back: nothing could end it, and it would live until then
        if await self._marks.is_ended(claims["login"], claims["sub"], claims["iat"]):
            return None
        roles = claims["roles"]
        if roles is None:
            async with self._database.read() as session:
                roles = await people.roles_of(session, claims["sub"])
        return Principal(claims["sub"], claims["name"], roles, way="cookie", login=claims["login"])
