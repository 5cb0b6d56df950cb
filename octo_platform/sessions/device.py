"""Programs without a browser, such as `octo login`: a person lets them in with a short code (RFC 8628)."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth.keys import MOST as MOST_KEYS, active
from octo_platform.auth.principal import Principal
from octo_platform.auth.throttle import network_of
from octo_platform.auth.tokens import hashed
from octo_platform.problem import Problem
from octo_platform.sessions import scopes
from octo_platform.sessions.address import throttled
from octo_platform.sessions.scopes import Scopes
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import DeviceRequest, User
from octo_platform.web.call import Asked, Call
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import VISIBLE

routes = Routes("device")

LONGEST = timedelta(minutes=10)
INTERVAL = timedelta(seconds=5)
MOST = 1_000
"""Programs that may wait at once."""

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so no words, and none that look alike (RFC 8628, 6.1). Eight are 34 bits; tries are slowed down."""

_Code = Annotated[str, StringConstraints(min_length=8, max_length=20)]


class Program(BaseModel):
    """client: what the program calls itself; the person who is asked sees it. scopes: what it wants to do."""

    model_config = ConfigDict(extra="forbid")
    client: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=VISIBLE)]
    scopes: Scopes = "all"


class Waiting(BaseModel):
    """device_code: the secret of the program. user_code: what the person types. interval: seconds between questions."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    interval: int = int(INTERVAL.total_seconds())
    expires_in: int = int(LONGEST.total_seconds())


class Question(BaseModel):
    """The secret of the program."""

    model_config = ConfigDict(extra="forbid")
    device_code: Annotated[str, Field(min_length=1, max_length=200)]


class Answer(BaseModel):
    """key: an API key of the person. It is shown this once."""

    key: str
    expires_at: datetime


class Approval(BaseModel):
    """allow: whether the program is let in."""

    model_config = ConfigDict(extra="forbid")
    user_code: _Code
    allow: bool


class Asking(BaseModel):
    """Which program waits. scopes: the actions that it gets if you let it in, or just "all".

    Of what it asks for, they are those that you may yourself.
    """

    client: str
    scopes: list[str]


@routes.on("POST", "/device", "device.create", status_code=201)
async def begin(call: Asked, request: Request, program: Program) -> Waiting:
    """Let a program wait for a person."""
    identity = call.installation.identity
    identity.devices.take(network_of(request.client.host if request.client else ""))
    device_code = secrets.token_urlsafe(32)
    user_code = "".join(secrets.choice(_LETTERS) for _ in range(8))
    call.target = program.client
    async with call.write() as session:
        await session.execute(delete(DeviceRequest).where(DeviceRequest.expires_at < identity.clock()))
        if (await session.scalar(select(func.count()).select_from(DeviceRequest)) or 0) >= MOST:
            raise Problem("busy", "too many programs wait to be let in")
        session.add(
            DeviceRequest(
                device_code=hashed(device_code),
                user_code=hashed(user_code),
                client=program.client,
                scopes=scopes.actions(program.scopes),
                expires_at=identity.clock() + LONGEST,
            )
        )
    shown = f"{user_code[:4]}-{user_code[4:]}"
    page = call.installation.options.url.rstrip("/") + "/device"
    return Waiting(
        device_code=device_code,
        user_code=shown,
        verification_uri=page,
        verification_uri_complete=f"{page}?code={shown}",
    )


@routes.on("GET", "/device/{user_code}", "device.approve")
async def asking(call: Asked, request: Request, user_code: Annotated[_Code, Path()]) -> Asking:
    """Say which program has shown this code, before it is let in."""
    with throttled(call.installation.identity, request):
        async with call.read() as session:
            row = await _of_user_code(session, user_code, call.installation.identity.clock())
    return Asking(client=row.client, scopes=scopes.own(call.who, row.scopes))


@routes.on("POST", "/device/approval", "device.approve", status_code=204)
async def approve(call: Asked, request: Request, approval: Approval) -> None:
    """Let a program in that has shown this code, or refuse it. It acts in your name, within what it has asked for."""
    if call.user_id is None:
        raise Problem("conflict", "without signing in, nobody can let a program in, and it needs no key")
    identity = call.installation.identity
    with throttled(identity, request):
        identity.accounts.take(f"code {call.user_id}")
        async with call.write() as session:
            row = await _of_user_code(session, approval.user_code, identity.clock())
            call.target = row.client
            row.scopes = scopes.own(call.who, row.scopes)
            if approval.allow and not row.scopes:
                raise Problem("not-allowed", "you may nothing of what this program asks for")
            row.refused = not approval.allow
            row.user_id = call.user_id
    identity.accounts.clear(f"code {call.user_id}")


@routes.on("POST", "/device/token", "device.create")
async def token(call: Asked, request: Request, question: Question) -> Answer:
    """Ask whether the person has decided. A program that is let in gets a key, once."""
    identity = call.installation.identity
    with throttled(identity, request):
        async with call.read() as session:
            digest = hashed(question.device_code)
            if await session.scalar(select(DeviceRequest.id).where(DeviceRequest.device_code == digest)) is None:
                raise Problem("expired", "this code is unknown, has expired or was used")
    async with call.installation.database.write() as session:
        # What is refused must be kept, too, so nothing is raised in here.
        outcome = await _decided(call, session, digest)
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


async def _decided(call: Call, session: AsyncSession, digest: str) -> Answer | Problem:
    at = call.installation.identity.clock()
    row = await session.scalar(select(DeviceRequest).where(DeviceRequest.device_code == digest).with_for_update(**LOCK))
    if row is None or at >= row.expires_at:
        return Problem("expired", "this code has expired or was used")
    if row.refused:
        await session.delete(row)
        return Problem("not-allowed", "the person who was asked has refused")
    if row.user_id is None:
        is_early = row.asked_at is not None and at - row.asked_at < INTERVAL
        row.asked_at = at
        return Problem("slow-down" if is_early else "authorization-pending")
    user = await session.get(User, row.user_id)
    await session.delete(row)
    if user is None or user.disabled:
        return Problem("not-allowed")
    if len(await active(session, user.id, at)) >= MOST_KEYS:
        return Problem("limit", f"this person has {MOST_KEYS} keys")
    return await _key(call, session, user, row)


async def _key(call: Call, session: AsyncSession, user: User, row: DeviceRequest) -> Answer:
    made, text = call.installation.identity.keys.make(user.id, row.client, row.scopes, by_code=True)
    session.add(made)
    await session.flush()
    call.target, call.principal = row.client, Principal(user.id, user.name or user.email, way="key", key=made.id)
    session.add(call.entry(200))
    call.is_noted = True
    return Answer(key=text, expires_at=made.expires_at)


async def _of_user_code(session: AsyncSession, code: str, at: datetime) -> DeviceRequest:
    """The program that waits with this code. Raises `Problem`."""
    plain = code.replace("-", "").replace(" ", "").upper()
    query = select(DeviceRequest).where(
        DeviceRequest.user_code == hashed(plain),
        DeviceRequest.expires_at > at,
        DeviceRequest.user_id.is_(None),
        DeviceRequest.refused.is_(False),
    )
    row = await session.scalar(query.with_for_update(**LOCK))
    if row is None:
        raise Problem("not-found", "no program waits with this code: it may be mistyped, used or too old")
    return row
