"""Marks: what must be remembered for a while, by all processes of an installation."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.ids import new_id
from octo_platform.storage.database import Database
from octo_platform.storage.tables import Mark, now

SESSION = timedelta(minutes=10)
"""How long a session is good without being looked up: a mark that ends it need not live longer."""

_LOOK = 1.0
"""Seconds after which a process looks for marks of the others."""

_OVERLAP = timedelta(seconds=60)
"""A transaction that began earlier may end later: looking goes back so far."""

AHEAD = timedelta(seconds=60)
"""How far the clock of another process may be ahead. What is further ahead is from before a clock was set back."""


class Marks:
    """See the module. What this process marks counts in it at once, in the others within a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ended: dict[str, datetime] = {}
        self._seen = datetime.min.replace(tzinfo=now().tzinfo)
        self._due = 0.0
        self._looking = asyncio.Lock()

    async def end(self, session: AsyncSession, kind: Literal["login", "user"], id_: str) -> None:
        """Let the sessions of a login, or of a user, count no more once this transaction is kept. New ones do."""
        at = now()
        await session.execute(delete(Mark).where(Mark.expires_at < at))
        session.add(Mark(name=f"ended {kind}:{id_} {new_id()}", at=at, expires_at=at + SESSION + _OVERLAP))
        event.listen(session.sync_session, "after_commit", self._look_soon, once=True)

    async def is_ended(self, login: str, user: str, issued: float) -> bool:
        """Whether a session of this login that was issued then counts no more."""
        if time.monotonic() >= self._due:
            await self._look()
        ends = (self._ended.get(f"login:{login}"), self._ended.get(f"user:{user}"))
        # A mark from before a clock was set back would end all sessions until then; earlier ones count no more anyway.
        return any(end is not None and issued <= end.timestamp() and end <= now() + AHEAD for end in ends)

    async def use(self, name: str, until: datetime) -> bool:
        """Use what counts once. Return whether this was the first time."""
        try:
            async with self._database.write() as session:
                await session.execute(delete(Mark).where(Mark.expires_at < now()))
                session.add(Mark(name=f"used {name}"[:200], expires_at=until))
        except IntegrityError:
            return False
        return True

    def _look_soon(self, session: object) -> None:  # noqa: ARG002
        self._due = 0.0

    async def _look(self) -> None:
        async with self._looking:
            if time.monotonic() < self._due:
                return
            # Before the query: what is marked while it runs must be looked for again.
            self._due = time.monotonic() + _LOOK
            began = now()
            query = select(Mark.name, Mark.at).where(Mark.name.startswith("ended "), Mark.at >= self._seen)
            async with self._database.read() as session:
                rows = (await session.execute(query)).all()
            for name, at in rows:
                key = name.split(" ")[1]
                self._ended[key] = max(at, self._ended.get(key, at))
            self._seen = began - _OVERLAP
            old = began - SESSION - _OVERLAP
            self._ended = {key: at for key, at in self._ended.items() if at > old}
