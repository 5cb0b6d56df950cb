"""API keys: how a program shows whose key it has."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth import people, tokens
from octo_platform.auth.principal import Principal
from octo_platform.auth.throttle import Throttle, network_of
from octo_platform.storage.database import Database
from octo_platform.storage.tables import ApiKey, User

log = logging.getLogger("octo.platform")

ALL = "all"
"""The scope that stands for everything that the owner may."""

MOST = 100
"""Keys that one person may have at once."""

LONGEST_DAYS = 365
USUAL_DAYS = 90
_USED = 60.0
_MOST_KNOWN = 5_000
_LONGEST = 200
_SHOWN = len(tokens.KEY_PREFIX) + 6


class Keys:
    """See the module. Each request looks up whether its key counts: what ends it, or its owner, bites at once."""

    def __init__(self, database: Database, clock: Callable[[], datetime], ticks: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._wrong = Throttle(free=50, longest=60.0, clock=ticks)
        self._noted: OrderedDict[str, float] = OrderedDict()
        """When the use of a key was written down last, by its hash."""

    def make(
        self,
        owner: str,
        name: str,
        scopes: list[str],
        workspace: str | None = None,
        days: int = USUAL_DAYS,
        *,
        by_code: bool = False,
    ) -> tuple[ApiKey, str]:
        """A new key to add to a transaction, and its text, which is not kept. by_code: see `ApiKey`."""
        text = tokens.new_key()
        row = ApiKey(
            user_id=owner,
            name=name,
            hash=tokens.hashed(text),
            prefix=text[:_SHOWN],
            scopes=scopes,
            workspace_id=workspace,
            created_at=self._clock(),
            expires_at=self._clock() + timedelta(days=days),
            by_code=by_code,
        )
        return row, text

    async def principal(self, authorization: str, address: str) -> Principal | None:
        """Whose key an `Authorization` header has; None if it has none that counts.

        Raises `Problem` for a wrong one if too many came from its address. One that is right counts all the same: none
        can be guessed, and whoever sends wrong ones would keep out all who come from behind the same proxy.
        """
        kind, _, text = authorization.partition(" ")
        text = text.strip()
        if kind.lower() != "bearer" or not text.startswith(tokens.KEY_PREFIX) or len(text) > _LONGEST:
            return None
        digest = tokens.hashed(text)
        found = await self._find(ApiKey.hash == digest)
        if found is None:
            self._noted.pop(digest, None)
            self._wrong.take(network_of(address))
            return None
        await self._note(digest)
        return found

    async def revoke(self, session: AsyncSession, owner: str, *, by_code_only: bool) -> None:
        """End keys of a user, in a transaction: all, or those that programs got by a code."""
        which = [ApiKey.user_id == owner, ApiKey.revoked_at.is_(None)]
        if by_code_only:
            which.append(ApiKey.by_code.is_(True))
        await session.execute(update(ApiKey).where(*which).values(revoked_at=self._clock()))

    async def of_id(self, id_: str) -> Principal | None:
        """Whose key that is; None if it counts no more."""
        return await self._find(ApiKey.id == id_)

    async def _find(self, which: ColumnElement[bool]) -> Principal | None:
        query = select(ApiKey, User).join(User, User.id == ApiKey.user_id).where(which)
        async with self._database.read() as session:
            row = (await session.execute(query)).one_or_none()
            if row is None:
                return None
            key, user = row
            if key.revoked_at is not None or self._clock() >= key.expires_at or user.disabled:
                return None
            roles = await people.roles_of(session, user.id)
        scopes = None if ALL in key.scopes else frozenset(key.scopes)
        return Principal(user.id, user.name or user.email, roles, scopes, key.workspace_id, "key", key.id)

    async def _note(self, digest: str) -> None:
        """Write down that it was used, at most once a minute: a write for each request would cost more than it."""
        at = time.monotonic()
        if at - self._noted.get(digest, -_USED) < _USED:
            return
        self._noted[digest] = at
        self._noted.move_to_end(digest)
        while len(self._noted) > _MOST_KNOWN:
            self._noted.popitem(last=False)
        with suppress(SQLAlchemyError):  # the request counts more than when it was
            async with self._database.write() as session:
                await session.execute(update(ApiKey).where(ApiKey.hash == digest).values(used_at=self._clock()))


async def active(session: AsyncSession, owner: str, at: datetime) -> Mapping[str, ApiKey]:
    """The keys of a user that count, by their id."""
    query = select(ApiKey).where(ApiKey.user_id == owner, ApiKey.revoked_at.is_(None), ApiKey.expires_at > at)
    return {each.id: each for each in await session.scalars(query)}
