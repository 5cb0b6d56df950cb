"""An installation of the platform on each database, and a client that asks it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from octo.testing.postgres import PASSWORD, Postgres
from octo_platform.api.app import create_app
from octo_platform.api.serving import installed
from octo_platform.auth.identity import Identity
from octo_platform.auth.passwords import Passwords
from octo_platform.auth.policy import Role
from octo_platform.auth.principal import EVERYWHERE
from octo_platform.deployments.reconciler import Reconciler
from octo_platform.installation import Installation
from octo_platform.options import Clusters, Options
from octo_platform.storage.sealing import new_key
from octo_platform.storage.tables import Grant, User, Workspace, now
from tests.platform.pretence import Pretence

BASE = "http://127.0.0.1:8321"
ANYTHING = Clusters(namespaces=("*",), contexts=("*",), domains=("*",), services=("*",))
"""What environments may name, where a test is of something else: `tests/platform/environments/test_allowed.py`."""

_numbers = count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres.started() as server:
        yield server


@pytest.fixture
def pretence() -> Pretence:
    """Where deployments run: nowhere, but it behaves as targets do."""
    return Pretence()


@pytest.fixture
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the database is: a file, or a database of its own on PostgreSQL for tests that say `on_both`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:{tmp_path / 'platform.db'}"
    server = request.getfixturevalue("postgres")
    root = f"postgresql://octo:{quote(PASSWORD, safe='')}@{server.address}"
    name = f"platform_{next(_numbers)}"
    connection = await asyncpg.connect(f"{root}/postgres")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return f"{root}/{name}"


on_both = pytest.mark.parametrize("place", ["sqlite", "postgres"], indirect=True)
"""For tests of what the databases may do differently."""


@pytest.fixture
def options(request: pytest.FixtureRequest, tmp_path: Path, place: str) -> Options:
    more: dict[str, Any] = getattr(request, "param", {})
    return Options(
        folder=tmp_path,
        database=place,
        keys=(new_key(),),
        insecure_local=True,
        targets=("local", "kubernetes"),
        kubernetes=ANYTHING,
        **more,
    )


@pytest.fixture
async def installation(options: Options, pretence: Pretence) -> AsyncIterator[Installation]:
    async with installed(options, {"local": pretence.opened, "kubernetes": pretence.opened}) as found:
        yield found


@pytest.fixture
async def client(installation: Installation) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the installation, without a network between."""
    transport = httpx.ASGITransport(create_app(installation), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"{BASE}/api/v1") as found:
        yield found


@pytest.fixture
async def reconciling(installation: Installation) -> AsyncIterator[Reconciler]:
    """A reconciler that runs."""
    reconciler = Reconciler(installation)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(reconciler.run())
        yield reconciler
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


# --- people: for tests of who may what ---------------------------------------------------------------------------

SECRET = "correct horse battery"
"""The password of everybody."""


class House:
    """An installation that is closed, and ways into it."""

    def __init__(self, installation: Installation, stack: contextlib.AsyncExitStack) -> None:
        self.installation = installation
        self.app = create_app(installation)
        self._stack = stack
        self._hashed = ""

    async def visitor(self, address: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        """A program that has shown nothing yet. address: where it seems to come from."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 4711))
        client = httpx.AsyncClient(transport=transport, base_url=BASE + "/api/v1", headers=headers)
        return await self._stack.enter_async_context(client)

    async def browser(self, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """A browser that shows a page of the platform."""
        return await self.visitor(address, **{"Origin": BASE, "Sec-Fetch-Site": "same-origin"})

    async def workspace(self, name: str) -> str:
        """Make a workspace; returns its id."""
        row = Workspace(name=name)
        async with self.installation.database.write() as session:
            session.add(row)
        return row.id

    async def person(self, name: str, role: Role | None = None, place: str = EVERYWHERE) -> User:
        """Make a user with this role in a workspace. They sign in as `name@example.org` with `SECRET`."""
        self._hashed = self._hashed or await self.installation.identity.passwords.hashed(SECRET)
        row = User(email=f"{name}@example.org", name=name, password=self._hashed)
        async with self.installation.database.write() as session:
            session.add(row)
            await session.flush()
            if role is not None:
                session.add(Grant(user_id=row.id, workspace=place, role=role))
        return row

    async def grant(self, name: str, role: Role, place: str = EVERYWHERE) -> None:
        """Give somebody a further role."""
        async with self.installation.database.write() as session:
            user = await session.scalar(select(User).where(User.name == name))
            session.add(Grant(user_id=user.id, workspace=place, role=role))

    async def signed_in(self, name: str, role: Role | None = None, place: str = EVERYWHERE) -> httpx.AsyncClient:
        """Make a user and sign in as them."""
        await self.person(name, role, place)
        return await self.sign_in(name)

    async def sign_in(self, name: str) -> httpx.AsyncClient:
        client = await self.browser()
        found = await client.post("/session", json={"email": f"{name}@example.org", "password": SECRET})
        assert found.status_code == 200, found.text
        return client

    async def key(self, client: httpx.AsyncClient, **extra: object) -> httpx.AsyncClient:
        """Make a key as somebody who is signed in; returns a program that has it."""
        found = await client.post("/keys", json={"name": "robot", "scopes": "all", **extra})
        assert found.status_code == 201, found.text
        return await self.visitor(Authorization=f"Bearer {found.json()['key']}")


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return now() + self._ahead

    def ticks(self) -> float:
        """Seconds that stand still in between, so that a slow machine ends no wait."""
        return self._ahead.total_seconds()

    def pass_(self, **much: float) -> None:
        self._ahead += timedelta(**much)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def closed(tmp_path: Path, place: str) -> dict[str, Any]:
    """How the house is started."""
    targets = ("local", "kubernetes")
    return {
        "folder": tmp_path,
        "database": place,
        "keys": (new_key(),),
        "targets": targets,
        "kubernetes": ANYTHING,
    }


@pytest.fixture
async def house(closed: dict[str, Any], clock: Clock, pretence: Pretence) -> AsyncIterator[House]:
    openers = {"local": pretence.opened, "kubernetes": pretence.opened}
    async with installed(Options(**closed), openers) as found, contextlib.AsyncExitStack() as stack:
        found.identity = Identity(found.options, found.database, found.keyring, clock, clock.ticks)
        # The real costs are those of tests/platform/auth/test_passwords.py: here they would be most of the time.
        found.identity.passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield House(found, stack)
