"""Signing in through the identity provider: the way there, the way back, and its word that somebody has left."""

from __future__ import annotations

import hashlib
import html
import logging
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from sqlalchemy import false, or_, select

from octo_platform.auth import people
from octo_platform.auth.identity import Identity
from octo_platform.auth.logins import LONGEST
from octo_platform.auth.oidc import accounts, flow
from octo_platform.auth.oidc.flow import Flow
from octo_platform.auth.oidc.provider import Answer, Provider
from octo_platform.auth.principal import Principal
from octo_platform.problem import Problem
from octo_platform.sessions.session import let_in
from octo_platform.storage.tables import Login, User
from octo_platform.web.call import Asked, Call
from octo_platform.web.routing import Routes

log = logging.getLogger("octo.platform")
routes = Routes("single sign-on")

NOT_RENEWED = timedelta(hours=1)
"""How long somebody stays signed in whose provider gives nothing to ask it again with."""

_NOT_KEPT = {"Cache-Control": "no-store"}
_Text = Annotated[str | None, Query(max_length=4096)]


@routes.on("GET", "/auth/oidc/login", "session.create", response_class=Response)
async def login(call: Asked, request: Request, return_to: Annotated[str, Query(max_length=500)] = "/") -> Response:
    """Send a browser to the identity provider. return_to: the path of this platform that it shall see afterwards."""
    identity = call.installation.identity
    try:
        begun = flow.begun(return_to, identity.clock())
        address = await _provider(identity).address(begun.state, begun.nonce, begun.verifier)
    except Problem as problem:
        return shown(request, problem)
    response = RedirectResponse(address, 303, _NOT_KEPT)
    name, value = identity.cookies.flow(begun.state), flow.sealed(begun, identity.keyring)
    # Lax: the provider sends the browser back from another site.
    identity.cookies.put(response, name, value, flow.LONGEST, same_site="lax")
    return response


@routes.on("GET", "/auth/oidc/callback", "session.create", response_class=Response)
async def callback(
    call: Asked, request: Request, code: _Text = None, state: _Text = None, iss: _Text = None, error: _Text = None
) -> Response:
    """Let somebody in whom the identity provider has confirmed."""
    identity = call.installation.identity
    name = identity.cookies.flow(state or "")
    try:
        provider = _provider(identity)
        begun = flow.opened(request.cookies.get(name), state or "", identity.keyring, identity.clock())
        await provider.check_issuer(iss)
        answer = await _confirmed(identity, provider, begun, code, error)
        response: Response = RedirectResponse(begun.return_to, 303, _NOT_KEPT)
        await _let_in(call, provider, answer, response)
    except Problem as problem:
        fields = {"code": problem.code, "why": problem.detail, "request": call.id}
        log.warning("a sign-in through the provider failed", extra={"fields": fields})
        response = shown(request, problem)
    if state:
        identity.cookies.drop(response, name)
    return response


@routes.on("POST", "/auth/oidc/backchannel-logout", "session.delete", response_class=Response)
async def backchannel_logout(call: Asked, request: Request) -> Response:
    """End the logins that the provider says are over (OpenID Connect Back-Channel Logout)."""
    identity = call.installation.identity
    provider = _provider(identity)
    claims = await provider.logout(await _logout_token(request))
    until = datetime.fromtimestamp(claims["exp"], identity.clock().tzinfo) + timedelta(seconds=provider.options.leeway)
    if not await identity.marks.use(f"logout {_digest(claims['jti'])}", until):
        raise Problem("sign-in-failed", "this logout token was used already")
    async with call.write() as session:
        ended = list(await session.scalars(_meant(provider, claims)))
        call.target = f"{len(ended)} logins"
        for each in ended:
            await identity.logins.end(session, each)
    return Response(status_code=200, headers=_NOT_KEPT)


def shown(request: Request, problem: Problem) -> Response:
    """A problem as a page for somebody who looks at it, and as it is for a program."""
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse(problem.as_json(), problem.status, _NOT_KEPT, "application/problem+json")
    told = f"<h1>{html.escape(problem.title)}</h1><p>{html.escape(problem.detail)}</p><p><a href='/'>Go on</a></p>"
    page = f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Octo</title><main>{told}</main></html>"
    return HTMLResponse(page, problem.status, _NOT_KEPT)


def _provider(identity: Identity) -> Provider:
    if identity.provider is None:
        raise Problem("sign-in-off", "no identity provider is set")
    return identity.provider


async def _confirmed(
    identity: Identity, provider: Provider, begun: Flow, code: str | None, error: str | None
) -> Answer:
    """Who has signed in. A way back counts once, whatever becomes of it. Raises `Problem`."""
    until = datetime.fromtimestamp(begun.until, identity.clock().tzinfo)
    if not await identity.marks.use(f"flow {_digest(begun.state)}", until):
        raise Problem("sign-in-failed", "this sign-in was finished already; sign in again")
    if error is not None or code is None:
        raise Problem("sign-in-failed", f"the provider said {(error or 'nothing')[:100]!r}")
    return await provider.exchange(code, begun.verifier, begun.nonce)


async def _let_in(call: Call, provider: Provider, answer: Answer, response: Response) -> None:
    identity = call.installation.identity
    async with call.write() as session:
        user = await accounts.admitted(session, provider.options, answer, identity.marks, identity.clock())
        sid = answer.claims.get("sid")
        longest = LONGEST if answer.refresh else NOT_RENEWED
        login = await identity.logins.begin(session, user, longest=longest, sid=sid if _is_sid(sid) else None)
        if answer.refresh:
            login.refresh = identity.keyring.seal(f"login/{login.id}", answer.refresh.encode())
        call.principal = Principal(user.id, user.name or user.email, way="cookie")
        call.target = user.email or user.id
        roles, at = await people.roles_of(session, user.id), identity.clock()
    await let_in(identity, response, login, await identity.sessions.token(user, login.id, roles, at))


async def _logout_token(request: Request) -> str:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise Problem("wrong-type")
    try:
        fields: dict[str, list[str]] = parse_qs((await request.body()).decode(), max_num_fields=10)
    except ValueError:
        raise Problem("malformed") from None
    if len(fields.get("logout_token", ())) != 1:
        raise Problem("malformed", "it needs one `logout_token`")
    return fields["logout_token"][0]


def _meant(provider: Provider, claims: dict[str, Any]) -> Any:
    """The logins that a logout token ends: one session of the provider, or all of a user."""
    query = select(Login.id).join(User, User.id == Login.user_id)
    subject, sid = claims.get("sub"), claims.get("sid")
    conditions = [User.subject.startswith(f"{provider.options.issuer} ", autoescape=True)]
    if subject is not None:
        conditions.append(User.subject == accounts.subject(provider.options, str(subject)))
    if sid is not None:
        # A login whose session the provider has not named may be the one that is meant.
        conditions.append(or_(Login.sid == str(sid), Login.sid.is_(None) if subject is not None else false()))
    return query.where(*conditions)


def _is_sid(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 300 and "\0" not in value


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
