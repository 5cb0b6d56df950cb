"""An installation of the platform on each database, and a client that asks it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from octo_platform.api.app import create_app
from octo_platform.auth.identity import Identity
from octo_platform.flows.inspector import Inspector
from octo_platform.installation import Installation
from octo_platform.options import Options
from octo_platform.storage.database import opened, url_of
from octo_platform.storage.sealing import Keyring, new_key
from octo_platform.storage.tables import Table

BASE = "http://127.0.0.1:8321"


@contextlib.asynccontextmanager
async def installed(options: Options) -> AsyncIterator[Installation]:
    """An installation with new tables, and without targets."""
    async with opened(url_of(options.place)) as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(Table.metadata.create_all)
        keyring = Keyring([new_key()])
        yield Installation(options, database, keyring, Identity(options, database, keyring), Inspector(), {})


@pytest.fixture
def place(tmp_path: Path) -> str:
    """Where the database is; tests that ask for `either` get PostgreSQL as well."""
    return f"sqlite:{tmp_path / 'platform.db'}"


@pytest.fixture
async def installation(tmp_path: Path, place: str) -> AsyncIterator[Installation]:
    async with installed(Options(folder=tmp_path, database=place, insecure_local=True)) as found:
        yield found


@pytest.fixture
async def client(installation: Installation) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the installation, without a network between."""
    transport = httpx.ASGITransport(create_app(installation), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as found:
        yield found
