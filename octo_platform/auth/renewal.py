"""The next session of a login: with the roles of now, and if a provider knows the user, with what it says of them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from fastapi import Response

from octo_platform.auth import logins, people
from octo_platform.auth.identity import Identity
from octo_platform.auth.logins import Turn
from octo_platform.auth.oidc import accounts
from octo_platform.auth.oidc.provider import Answer
from octo_platform.options import Options
from octo_platform.problem import Problem
from octo_platform.storage.database import Database
from octo_platform.storage.tables import Login

log = logging.getLogger("octo.platform")


@dataclass(frozen=True)
class Signed:
    """What a browser gets. session, renewal: values of cookies. until: when it must sign in again."""

    session: str
    renewal: str
    until: datetime


async def renewed(identity: Identity, options: Options, database: Database, cookie: str) -> Signed:
    """Let a browser go on. Raises `Problem`: `not-signed-in`, or `provider-unavailable` with the next cookie."""
    turn = await identity.logins.turn(cookie)
    if turn is None:
        raise Problem("not-signed-in")
    is_of_provider = turn.user.subject is not None
    if identity.provider is None if is_of_provider else not options.passwords:
        await _end(identity, database, turn.login)
        raise Problem("not-signed-in", "this way of signing in is switched off")
    if turn.is_first and turn.login.refresh is not None:
        turn = await _asked(identity, database, turn)
    token = await identity.sessions.token(turn.user, turn.login.id, turn.roles, turn.at)
    return Signed(token, await identity.logins.cookie(turn.login), turn.login.expires_at)


async def _asked(identity: Identity, database: Database, turn: Turn) -> Turn:
    """The same turn, after the provider was asked. No transaction is open while it thinks."""
    provider, login = identity.provider, turn.login
    assert provider is not None
    assert login.refresh is not None
    assert turn.user.subject is not None
    try:
        refresh = identity.keyring.open(f"login/{login.id}", login.refresh).decode()
        answer = await provider.again(refresh, turn.user.subject.removeprefix(f"{provider.options.issuer} "))
        return await _kept(identity, database, turn, answer)
    except Problem as problem:
        if problem.code == "provider-unavailable":
            # The turn was made: without its cookie, the browser would come with an old one, and be signed out.
            response = Response()
            value = await identity.logins.cookie(login)
            identity.cookies.put(response, identity.cookies.renewal, value, login.expires_at - identity.clock())
            raise problem.with_headers({"Set-Cookie": response.headers["set-cookie"]}) from None
        log.warning("a login ends", extra={"fields": {"user": turn.user.id, "why": problem.detail}})
        await _end(identity, database, login)
        raise Problem("not-signed-in", problem.detail) from None


async def _kept(identity: Identity, database: Database, turn: Turn, answer: Answer) -> Turn:
    assert identity.provider is not None
    async with database.write() as session:
        await accounts.admitted(session, identity.provider.options, answer, identity.marks, identity.clock())
        login, user = await logins.locked(session, turn.login.id)
        if login is None or user is None or user.id != turn.user.id:
            raise Problem("not-signed-in")
        if answer.refresh:
            login.refresh = identity.keyring.seal(f"login/{login.id}", answer.refresh.encode())
        return Turn(login, user, await people.roles_of(session, user.id), identity.clock(), turn.is_first)


async def _end(identity: Identity, database: Database, login: Login) -> None:
    async with database.write() as session:
        await identity.logins.end(session, login.id)
