"""The first administrator: made by whoever can read what the platform shows where it was started."""

from __future__ import annotations

from fastapi import Request
from pydantic import Field

from octo_platform.auth.principal import EVERYWHERE
from octo_platform.problem import Problem
from octo_platform.sessions.address import throttled
from octo_platform.storage.tables import Grant, User
from octo_platform.users.fields import Email, Name, Password
from octo_platform.web.call import Asked
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import Hidden, Shape

routes = Routes("setup")


class Setup(Shape):
    """needed: whether there is no administrator yet. passwords, provider: the ways to sign in that are open."""

    needed: bool
    passwords: bool
    provider: str | None = None


class First(Shape):
    """token: what the platform shows where it was started."""

    token: Hidden = Field(max_length=200)
    email: Email
    name: Name = ""
    password: Password


class Made(Shape):
    """Who was made."""

    id: str
    email: str


@routes.on("GET", "/setup", "setup.read")
async def setup(call: Asked) -> Setup:
    """Say whether the first administrator is missing, and how to sign in."""
    options, identity = call.installation.options, call.installation.identity
    needed = not options.insecure_local and not await identity.is_set_up()
    return Setup(
        needed=needed, passwords=options.passwords, provider=options.oidc.title if options.oidc is not None else None
    )


@routes.on("POST", "/setup", "setup.create", status_code=201)
async def make(call: Asked, request: Request, first: First) -> Made:
    """Make the first administrator. Of two who try at once, one does."""
    identity = call.installation.identity
    identity.same_site(request.method, request.headers, by_cookie=False)
    if not call.installation.options.passwords:
        raise Problem("sign-in-off", "the first administrator comes from the identity provider")
    if await identity.is_set_up():
        raise Problem("already-set-up")
    with throttled(identity, request):
        async with call.read() as session:
            await identity.check_setup_token(session, first.token.get_secret_value())
    call.target = first.email
    hashed = await identity.passwords.hashed(first.password.get_secret_value())
    async with call.write() as session:
        await identity.use_setup_token(session, first.token.get_secret_value())
        user = User(email=first.email, name=first.name, password=hashed)
        session.add(user)
        await session.flush()
        session.add(Grant(user_id=user.id, workspace=EVERYWHERE, role="admin"))
    return Made(id=user.id, email=user.email)
