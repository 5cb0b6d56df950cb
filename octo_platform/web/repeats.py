"""Idempotency keys: a POST that is sent again with the same `Idempotency-Key` is answered as the first time."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

from fastapi import Request, Response
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from octo_platform.auth import policy
from octo_platform.installation import Installation
from octo_platform.problem import Problem
from octo_platform.storage.database import LOCK, Database
from octo_platform.storage.tables import Answered, now
from octo_platform.web.call import Call

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT = timedelta(hours=24)
_LONGEST = 200
_STUCK = timedelta(minutes=5)
"""How long a request may be under way before its key counts as left behind by a process that has ended."""

_TOLD = ("content-type", "etag", "location")


async def answered_once(request: Request, call: Call, answer: Callable[[], Awaitable[Response]]) -> Response:
    """Answer, or repeat the answer to the first request with this key. Only successes are kept."""
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST" or call.principal is None:
        return await answer()
    if not policy.is_write(request.method, call.action):
        return (
            await answer()
        )  # it changes nothing, however often it is asked; nor is its answer kept, which may be large
    if not 0 < len(key) <= _LONGEST or not key.isprintable():
        raise Problem("invalid", f"`{HEADER}` has 1 to {_LONGEST} printable characters")
    digest = await _digest(request)
    actor = call.principal.actor
    installation = call.installation
    if found := await _claim(installation, actor, key, digest):
        return found
    try:
        response = await answer()
    except BaseException:
        await _forget(installation.database, actor, key)
        raise
    if response.status_code >= 300 or "set-cookie" in response.headers:
        # Without its cookies, a repeated answer would say that somebody is signed in who is not.
        await _forget(installation.database, actor, key)
    else:
        await _keep(installation, actor, key, response)
    return response


async def _digest(request: Request) -> str:
    body = await request.body()
    return hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body).hexdigest()


async def _claim(installation: Installation, actor: str, key: str, digest: str) -> Response | None:
    """Take the key, or return what was answered with it."""
    try:
        async with installation.database.write() as session:
            await session.execute(delete(Answered).where(Answered.created_at < now() - KEPT))
            session.add(Answered(actor=actor, key=key, request=digest))
    except IntegrityError:
        return await _found(installation, actor, key, digest)
    return None


async def _found(installation: Installation, actor: str, key: str, digest: str) -> Response | None:
    async with installation.database.write() as session:
        row = await session.get(Answered, (actor, key), with_for_update=LOCK)
        if row is None:  # the first one failed a moment ago
            raise Problem("under-way")
        if row.request != digest:
            raise Problem("key-reused")
        if row.status == 0:
            if now() - row.created_at < _STUCK:
                raise Problem("under-way")
            row.created_at = now()
            return None
        body = installation.keyring.open(_place(actor, key), row.body)
        return Response(body, row.status, {**row.headers, REPLAYED: "true"})


def _place(actor: str, key: str) -> str:
    return f"answered/{actor}/{key}"


async def _keep(installation: Installation, actor: str, key: str, response: Response) -> None:
    headers = {name: value for name, value in response.headers.items() if name in _TOLD}
    body = installation.keyring.seal(_place(actor, key), bytes(response.body))  # it may have a new key in it
    kept = {"status": response.status_code, "body": body, "headers": headers}
    async with installation.database.write() as session:
        await session.execute(update(Answered).where(Answered.actor == actor, Answered.key == key).values(**kept))


async def _forget(database: Database, actor: str, key: str) -> None:
    async with database.write() as session:
        await session.execute(
            delete(Answered).where(Answered.actor == actor, Answered.key == key, Answered.status == 0)
        )
