"""An installation of the platform on each database, and a client that asks it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import quote

import asyncpg
import httpx
import pytest

from octo.testing.postgres import PASSWORD, Postgres
from octo_platform.api.app import create_app
from octo_platform.api.serving import installed
from octo_platform.deployments.reconciler import Reconciler
from octo_platform.installation import Installation
from octo_platform.options import Options
from octo_platform.storage.sealing import new_key
from tests.platform.pretence import Pretence

BASE = "http://127.0.0.1:8321"
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
def options(tmp_path: Path, place: str) -> Options:
    return Options(
        folder=tmp_path, database=place, keys=(new_key(),), insecure_local=True, targets=("local", "kubernetes")
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
