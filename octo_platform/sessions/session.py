"""Signing in and out, and who somebody is."""

from __future__ import annotations

import logging

from fastapi import Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth import people
from octo_platform.auth.identity import Identity
from octo_platform.auth.marks import SESSION
from octo_platform.auth.principal import EVERYWHERE, Principal
from octo_platform.auth.renewal import renewed
from octo_platform.auth.throttle import network_of
from octo_platform.problem import Problem
from octo_platform.sessions.address import throttled
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import Login, User, Workspace
from octo_platform.users.fields import Given, Password
from octo_platform.web.call import Asked, Call
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import Shape

log = logging.getLogger("octo.platform")
routes = Routes("session")


class Credentials(Shape):
    """What somebody signs in with."""

    email: str
    password: Given


class Signed(Shape):
    """The session is in a cookie. expires_in: seconds until it must be renewed."""

    expires_in: int = int(SESSION.total_seconds())


class Me(Shape):
    """Who asks. roles: by the name of the workspace, or "*" for all. has_rights: false if nobody has given them any."""

    id: str
    name: str
    email: str | None = None
    roles: dict[str, str]
    has_rights: bool
    way: str


class SignedOut(Shape):
    """provider: where a browser signs out at the identity provider, too."""

    provider: str | None = None


class NewPassword(Shape):
    """The password that somebody has, and the one that they choose. revoke_keys: whether all API keys end, too."""

    old: Given
    new: Password
    revoke_keys: bool = False


@routes.on("POST", "/session", "session.create")
async def sign_in(call: Asked, request: Request, response: Response, given: Credentials) -> Signed:
    """Sign in with a password. The session and what renews it are cookies."""
    identity = call.installation.identity
    identity.same_site(request.method, request.headers, by_cookie=False)
    if not call.installation.options.passwords:
        raise Problem("sign-in-off")
    user = await _whose(call, request, given)
    call.target = user.email
    call.principal = Principal(user.id, user.name or user.email, way="cookie")
    async with call.write() as session:
        row = await session.get(User, user.id, with_for_update=LOCK)
        if row is None or row.disabled or row.password != user.password:
            raise Problem("bad-credentials")
        login = await identity.logins.begin(session, row)
        roles, at = await people.roles_of(session, row.id), identity.clock()
    await let_in(identity, response, login, await identity.sessions.token(row, login.id, roles, at))
    return Signed()


@routes.on("POST", "/session/renewal", "session.create")
async def renew(call: Asked, request: Request, response: Response) -> Signed:
    """Get the next session, with the roles of now. It needs no session that still counts."""
    identity, options = call.installation.identity, call.installation.options
    identity.same_site(request.method, request.headers)
    call.is_noted = True  # somebody who stays signed in has done nothing
    cookie = request.cookies.get(identity.cookies.renewal)
    if not cookie:
        raise Problem("not-signed-in")
    signed = await renewed(identity, options, call.installation.database, cookie)
    identity.cookies.sign_in(response, signed.session, signed.renewal, signed.until - identity.clock())
    return Signed()


@routes.on("GET", "/session", "session.read")
async def me(call: Asked) -> Me:
    """Say who asks, and what they may."""
    who = call.who
    async with call.read() as session:
        rows = await session.execute(select(Workspace.id, Workspace.name).where(Workspace.id.in_(list(who.roles))))
        names = {EVERYWHERE: EVERYWHERE, **dict(rows.all())}
        row = await session.get(User, who.id)
    # A key of one workspace tells nothing of others.
    seen = {place: role for place, role in who.roles.items() if who.workspace in (None, place) or place == EVERYWHERE}
    roles = {names[place]: role for place, role in seen.items() if place in names}
    return Me(
        id=who.id,
        name=(row.name or row.email) if row else who.name,
        email=row.email if row else None,
        roles=roles,
        has_rights=bool(roles),
        way=who.way,
    )


@routes.on("DELETE", "/session", "session.delete")
async def sign_out(call: Asked, request: Request, response: Response) -> SignedOut:
    """Sign out: the session and what renews it count no more."""
    identity = call.installation.identity
    token, cookie = (request.cookies.get(each) for each in (identity.cookies.session, identity.cookies.renewal))
    if not token and not cookie:
        return SignedOut()
    identity.same_site(request.method, request.headers)
    read = await identity.logins.read(cookie) if cookie else None
    login = read[0] if read else await identity.sessions.login_of(token) if token else None
    of_provider = False
    if login is not None:
        async with call.write() as session:
            row = await session.get(Login, login)
            of_provider = row is not None and await _is_of_provider(session, row)
            await identity.logins.end(session, login)
    identity.cookies.sign_out(response)
    base = call.installation.options.url.rstrip("/")
    return SignedOut(
        provider=await identity.provider.goodbye(base + "/") if of_provider and identity.provider else None
    )


@routes.on("PUT", "/session/password", "password.write", status_code=204)
async def choose(call: Asked, request: Request, given: NewPassword) -> Response:
    """Choose another password. All other browsers are signed out, and keys that `octo login` got end.

    This browser gets a new session. Keys that were made for programs stay, unless `revokeKeys` says otherwise.
    """
    identity = call.installation.identity
    async with call.read() as session:
        row = await session.get(User, call.who.id)
    if row is None or row.password is None:
        raise Problem("conflict", "you do not sign in with a password")
    call.target = row.email
    await _whose(call, request, Credentials(email=row.email, password=given.old))
    hashed = await identity.passwords.hashed(given.new.get_secret_value())
    response = Response(status_code=204)
    async with call.write() as session:
        user = await session.get(User, row.id, with_for_update=LOCK)
        if user is None or user.disabled or user.password != row.password:
            raise Problem("changed")
        user.password = hashed
        user.revision += 1
        await identity.sign_out(session, user.id, all_keys=given.revoke_keys)
        login = await identity.logins.begin(session, user)
        roles, at = await people.roles_of(session, user.id), identity.clock()
    await let_in(identity, response, login, await identity.sessions.token(user, login.id, roles, at))
    return response


async def let_in(identity: Identity, response: Response, login: Login, token: str) -> None:
    """Give a browser the cookies of a new login."""
    renewal = await identity.logins.cookie(login)
    identity.cookies.sign_in(response, token, renewal, login.expires_at - identity.clock())


async def _whose(call: Call, request: Request, given: Credentials) -> User:
    """The user whose password this is. Raises `Problem`; it takes as long for a user that there is not."""
    identity = call.installation.identity
    account = f"account {given.email.strip().lower()}"
    home = f"{account} from {network_of(request.client.host if request.client else '')}"
    if home in identity.homes:
        account = home
    identity.accounts.check(account)
    with throttled(identity, request):
        identity.accounts.take(account)
        async with call.read() as session:
            user = await people.user_of_email(session, given.email.strip())
        is_right = await identity.passwords.fits(given.password.get_secret_value(), user.password if user else None)
        if user is None or not is_right or user.disabled:
            # Not with what was typed: people type their password into the wrong field.
            whose, address = user.id if user else None, request.client.host if request.client else ""
            log.warning("a sign-in failed", extra={"fields": {"user": whose, "address": address}})
            call.target = f"{user.email if user else 'nobody we know'} from {address}"
            raise Problem("bad-credentials")
    identity.accounts.clear(account)
    identity.homes.add(home)
    return user


async def _is_of_provider(session: AsyncSession, login: Login) -> bool:
    user = await session.get(User, login.user_id)
    return user is not None and user.subject is not None
