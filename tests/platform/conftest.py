"""An installation of the platform on each database, and a client that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from octo_platform.api.app import create_app
from octo_platform.api.serving import installed
from octo_platform.installation import Installation
from octo_platform.options import Options
from tests.platform.pretence import Pretence

BASE = "http://127.0.0.1:8321"


@pytest.fixture
def pretence() -> Pretence:
    """Where deployments run: nowhere, but it behaves as targets do."""
    return Pretence()


@pytest.fixture
def place(tmp_path: Path) -> str:
    """Where the database is; tests that ask for `either` get PostgreSQL as well."""
    return f"sqlite:{tmp_path / 'platform.db'}"


@pytest.fixture
async def installation(tmp_path: Path, place: str, pretence: Pretence) -> AsyncIterator[Installation]:
    options = Options(folder=tmp_path, database=place, insecure_local=True, targets=("local", "kubernetes"))
    async with installed(options, {"local": pretence.opened, "kubernetes": pretence.opened}) as found:
        yield found


@pytest.fixture
async def client(installation: Installation) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the installation, without a network between."""
    transport = httpx.ASGITransport(create_app(installation), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as found:
        yield found
