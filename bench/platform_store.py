"""A platform with as much in its store as a large company has: written in bulk, asked over HTTP."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import uvicorn
from sqlalchemy import insert

from octo.testing.postgres import PASSWORD, Postgres
from octo.testing.servers import free_port
from octo_platform.api.app import create_app
from octo_platform.api.serving import installed
from octo_platform.installation import Installation
from octo_platform.options import Options
from octo_platform.storage import tables
from octo_platform.storage.sealing import new_key

FOLDERS, INTEGRATIONS, DEPLOYMENTS = 100, 10_000, 1_000
HERE = "/api/v1/workspaces/shop"

REQUESTS = {
    "list integrations": f"{HERE}/integrations?limit=50",
    "a page far back": f"{HERE}/integrations?limit=50&cursor={{far}}",
    "search, some hits": f"{HERE}/integrations?q=orders-99",
    "search, no hit": f"{HERE}/integrations?q=nowhere",
    "a folder": f"{HERE}/integrations?folder=folder-7",
    "one integration": f"{HERE}/integrations/orders-4711",
    "folders": f"{HERE}/folders",
    "list deployments": f"{HERE}/deployments?limit=50",
    "failed deployments": f"{HERE}/deployments?phase=failed",
    "dashboard": f"{HERE}/overview",
    "one deployment": f"{HERE}/deployments/dev:orders-10",
    "audit log": f"{HERE}/audit",
}
"""What people look at, by name."""


@asynccontextmanager
async def served(place: str) -> AsyncIterator[httpx.AsyncClient]:
    """A full platform on this database, over a real socket."""
    with tempfile.TemporaryDirectory() as folder:
        database = place or f"sqlite:{folder}/platform.db"
        options = Options(folder=Path(folder), database=database, keys=(new_key(),), insecure_local=True)
        async with installed(options, {}) as installation:
            await _fill(installation)
            port = free_port()
            config = uvicorn.Config(create_app(installation), port=port, log_config=None, lifespan="off")
            server = uvicorn.Server(config)
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(server.serve())
                while not server.started:
                    await asyncio.sleep(0.01)
                async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                    yield client
                server.should_exit = True
                await serving


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL of its own."""
    with Postgres.started() as server:
        yield f"postgresql://octo:{quote(PASSWORD, safe='')}@{server.address}/postgres"


async def times(client: httpx.AsyncClient, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each request, `rounds` times, one kind after the other in turn."""
    cursor: str | None = None
    for _ in range(100):  # half of all, by hand over the pages of 50
        found = await client.get(f"{HERE}/integrations", params={"limit": 50} | ({"cursor": cursor} if cursor else {}))
        cursor = found.json()["next"]
    asked = {name: path.format(far=cursor) for name, path in REQUESTS.items()}
    measured: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name, path in asked.items():
            began = time.perf_counter()
            (await client.get(path)).raise_for_status()
            measured[name].append((time.perf_counter() - began) * 1000)
    return measured


async def _fill(installation: Installation) -> None:
    async with installation.database.write() as session:
        for table, rows in _rows():
            for start in range(0, len(rows), 500):
                await session.execute(insert(table), rows[start : start + 500])


def _rows() -> Iterator[tuple[type[tables.Table], list[dict[str, Any]]]]:
    yield tables.Workspace, [{"id": "w", "name": "shop", "title": ""}]
    yield tables.Environment, [{"id": "e", "workspace_id": "w", "name": "dev", "target": "local", "settings": {}}]
    yield tables.Folder, [{"id": f"folder-{n}", "workspace_id": "w", "name": f"folder {n}"} for n in range(FOLDERS)]
    yield (
        tables.Integration,
        [
            {
                "id": f"i{n}",
                "workspace_id": "w",
                "folder_id": f"folder-{n % FOLDERS}",
                "name": f"orders-{n}",
                "title": "x",
            }
            for n in range(INTEGRATIONS)
        ],
    )
    flow = b"flows: []\n" * 400
    yield tables.File, [{"integration_id": f"i{n}", "path": "a.yaml", "content": flow} for n in range(INTEGRATIONS)]
    yield tables.Bundle, [{"hash": "h", "archive": b"", "facts": {"blocks": [{"address": "a"}] * 200}}]
    yield (
        tables.Version,
        [{"id": f"v{n}", "integration_id": f"i{n}", "tag": f"v{n}", "hash": "h"} for n in range(INTEGRATIONS)],
    )
    status = {"wanted": 2, "ready": 2, "instances": [{"name": "a", "ready": True}] * 2, "reasons": [], "tag": "v1"}
    yield (
        tables.Deployment,
        [
            {
                "id": f"d{n:05}", "workspace_id": "w", "environment_id": "e", "integration_id": f"i{n}",
                "slug": f"orders-{n}", "status": status, "phase": "failed" if n % 100 == 0 else "running",
                "observed_generation": 1, "good_release": 1,
            }
            for n in range(DEPLOYMENTS)
        ],
    )  # fmt: skip
    settings = {"replicas": 2, "variables": {}}
    yield (
        tables.Release,
        [
            {
                "deployment_id": f"d{n:05}",
                "generation": 1,
                "version_id": f"v{n}",
                "settings": settings,
                "cause": "deploy",
            }
            for n in range(DEPLOYMENTS)
        ],
    )
    entry = {"actor": "cookie:a", "action": "integrations.write", "workspace_id": "w", "outcome": 200, "request": "r"}
    yield tables.AuditEntry, [entry | {"target": f"integration shop/orders-{n}"} for n in range(INTEGRATIONS)]
