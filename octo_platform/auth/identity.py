"""Who sends a request: its session cookie, its API key, or nobody."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth import origin, people
from octo_platform.auth.cookies import Cookies
from octo_platform.auth.keys import Keys
from octo_platform.auth.logins import Logins
from octo_platform.auth.marks import Marks
from octo_platform.auth.oidc.provider import Provider
from octo_platform.auth.passwords import Passwords
from octo_platform.auth.principal import EVERYWHERE, Principal
from octo_platform.auth.sessions import Sessions
from octo_platform.auth.signing import Signing
from octo_platform.auth.throttle import Known, Throttle
from octo_platform.options import Options
from octo_platform.problem import Problem
from octo_platform.storage.database import Database
from octo_platform.storage.sealing import Keyring
from octo_platform.storage.tables import DeviceRequest, Setting, now

CALLBACK = "/auth/oidc/callback"
SETUP_TOKEN = "setup-token"  # noqa: S105  the name of a setting


class Identity:
    """See the module, and what belongs to it: passwords, logins, keys and the identity provider.

    Tries of passwords and codes are counted by `accounts` and `addresses`, and where somebody has signed in from before
    (`homes`) by themselves: else whoever knows an address of mail could keep its owner out, trying for ever.
    """

    def __init__(
        self,
        options: Options,
        database: Database,
        keyring: Keyring,
        clock: Callable[[], datetime] = now,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.keyring = keyring
        self.cookies = Cookies(is_secure=options.url.startswith("https:"))
        self.passwords = Passwords()
        self.accounts = Throttle(free=5, longest=300.0, clock=ticks)
        self.addresses = Throttle(free=30, longest=30.0, clock=ticks)
        self.homes = Known()
        self.devices = Throttle(free=20, longest=30.0, clock=ticks)
        self.marks = Marks(database)
        self._signing = Signing(database, keyring)
        self.sessions = Sessions(database, self._signing, self.marks, clock)
        self.logins = Logins(database, self._signing, self.marks, clock)
        self.keys = Keys(database, clock, ticks)
        redirect = options.url.rstrip("/") + CALLBACK
        self.provider = Provider(options.oidc, redirect, clock) if options.oidc else None
        self._options = options
        self._database = database
        self._is_set_up = False

    async def of(self, headers: Mapping[str, str], cookies: Mapping[str, str], address: str = "") -> Principal | None:
        """Who it is; None if it does not say, or not rightly. address: of the client, for counting wrong keys.

        A key that is sent is what counts: if it is wrong, a cookie does not help. Raises `Problem`.
        """
        if self._options.insecure_local:
            return Principal("local", "local", {EVERYWHERE: "admin"}, way="local")
        if (authorization := headers.get("authorization")) is not None:
            return await self.keys.principal(authorization, address)
        token = cookies.get(self.cookies.session)
        return await self.sessions.principal(token) if token else None

    def same_site(self, method: str, headers: Mapping[str, str], *, by_cookie: bool = True) -> None:
        """Refuse a write that a page of another site makes with the cookie of somebody. Raises `Problem`.

        by_cookie: see `origin.check`; False where a program need not show where it comes from.
        """
        origin.check(method, headers, self._options.url, by_cookie=by_cookie)

    async def still(self, principal: Principal, action: str, workspace: str) -> bool:
        """Whether who was let in some time ago still may: a stream outlives sessions, roles and keys."""
        now: Principal | None = principal
        if principal.key is not None:
            now = await self.keys.of_id(principal.key)
        elif principal.login is not None:
            now = await self.logins.principal(principal.login)
        return now is not None and now.may(action, workspace)

    async def sign_out(self, session: AsyncSession, user: str, *, all_keys: bool = False) -> None:
        """End all logins of a user, in a transaction: browsers, and programs that a code has let in.

        all_keys: other keys, too. They are what programs run on that nobody watches, so they do not end by the way.
        """
        await self.logins.end_all(session, user)
        # Before the keys: it waits for a program that fetches its key at this moment.
        await session.execute(delete(DeviceRequest).where(DeviceRequest.user_id == user))
        await self.keys.revoke(session, user, by_code_only=not all_keys)

    async def is_set_up(self) -> bool:
        """Whether there is an administrator."""
        if not self._is_set_up:
            async with self._database.read() as session:
                self._is_set_up = await people.is_anybody_admin(session)
        return self._is_set_up

    async def setup_token(self) -> str | None:
        """What lets somebody make the first administrator, to be shown where the platform was started.

        None if there is one. All processes of an installation, and later starts, show the same; it is stored sealed.
        """
        async with self._database.write() as session:
            await people.lock(session)
            if await people.is_anybody_admin(session):
                return None
            if found := await session.get(Setting, SETUP_TOKEN):
                return self.keyring.open(SETUP_TOKEN, found.value).decode()
            made = secrets.token_urlsafe(24)
            session.add(Setting(name=SETUP_TOKEN, value=self.keyring.seal(SETUP_TOKEN, made.encode())))
            return made

    async def use_setup_token(self, session: AsyncSession, token: str) -> None:
        """Use it up, in the transaction that makes the first administrator. Raises `Problem`."""
        await people.lock(session)
        if await people.is_anybody_admin(session):
            raise Problem("already-set-up")
        await self.check_setup_token(session, token)
        await session.execute(delete(Setting).where(Setting.name == SETUP_TOKEN))

    async def check_setup_token(self, session: AsyncSession, token: str) -> None:
        """Raises `Problem` if it is another."""
        found = await session.get(Setting, SETUP_TOKEN)
        if found is None and await people.is_anybody_admin(session):
            raise Problem("already-set-up")
        right = self.keyring.open(SETUP_TOKEN, found.value) if found else secrets.token_bytes(24)
        if not hmac.compare_digest(right, token.encode()):
            raise Problem("bad-credentials", "the set-up token is wrong; the platform shows it when it starts")
