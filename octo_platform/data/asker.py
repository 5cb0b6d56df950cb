"""Who asks: the deployment whose token it is."""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.exc import IntegrityError

from octo_platform.auth import tokens
from octo_platform.problem import Problem
from octo_platform.storage.database import Database
from octo_platform.storage.tables import Deployment, Store

MOST = 10_000
"""Deployments that are remembered."""

_BEARER = re.compile(r"Bearer ([\x21-\x7e]{1,200})", re.IGNORECASE)


class Asker(NamedTuple):
    """deployment, store: their ids."""

    deployment: str
    store: str


class Askers:
    """Whose tokens are which. That never changes; whether one still counts is asked with whatever is done."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Asker] = {}

    async def of(self, authorization: str) -> Asker:
        """The deployment that this header names. Its store is made when it first asks. Raises `Problem`."""
        match = _BEARER.fullmatch(authorization)
        if match is None:
            raise unknown()
        token = tokens.hashed(match[1])
        found = self._known.get(token)
        if found is None:
            found = await self._found(token)
            while len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[token] = found
        return found

    async def _found(self, token: str) -> Asker:
        query = select(Deployment.id, Store.id).join(Store, is_of()).where(Deployment.token_hash == token)
        for is_again in (False, True):
            row = await self._database.look(lambda connection: connection.execute(query.where(is_present())).first())
            if row is not None:
                return Asker(*row)
            if not is_again:
                await self._make_store(token)
        raise unknown()

    async def _make_store(self, token: str) -> None:
        """Make the store of the deployment, if there is such a deployment."""
        columns = (Deployment.integration_id, Deployment.environment_id, Deployment.slug)
        try:
            async with self._database.write() as session:
                query = select(*columns).where(Deployment.token_hash == token, is_present())
                if (row := (await session.execute(query)).first()) is not None:
                    session.add(Store(integration_id=row[0], environment_id=row[1], slug=row[2]))
        except IntegrityError:
            return  # another request has just made it


def is_of() -> ColumnElement[bool]:
    """Deployments and their stores: of a store there is one at most."""
    return and_(
        Store.integration_id == Deployment.integration_id,
        Store.environment_id == Deployment.environment_id,
        Store.slug == Deployment.slug,
    )


def is_present() -> ColumnElement[bool]:
    """Deployments whose token counts."""
    return Deployment.wanted != "gone"


def unknown() -> Problem:
    """What is told to who sends no token, or one that counts no more."""
    problem = Problem("not-signed-in", "send the token of a deployment")
    return problem.with_headers({"WWW-Authenticate": "Bearer"})
