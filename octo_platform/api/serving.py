"""Opens an installation and serves it: the API and pages, and what deployments reach, on two ports."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from octo_platform.api import failures
from octo_platform.api.app import create_app
from octo_platform.api.guard import Guard, name_of
from octo_platform.auth.identity import Identity
from octo_platform.data.app import create_data_app
from octo_platform.deploy.targets import Opener, Targets
from octo_platform.deployments.reconciler import Reconciler
from octo_platform.flows.inspector import Inspector
from octo_platform.installation import Installation
from octo_platform.options import Options
from octo_platform.storage.database import opened as opened_database, url_of
from octo_platform.storage.keys import read_keys
from octo_platform.storage.migrating import migrate
from octo_platform.storage.sealing import Keyring

log = logging.getLogger("octo.platform")

GRACE = 10
"""Seconds that requests under way have when the platform stops."""


@asynccontextmanager
async def installed(options: Options, openers: Mapping[str, Opener]) -> AsyncIterator[Installation]:
    """Open everything that an installation is made of, with the tables that this release needs."""
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keyring = Keyring(read_keys(options))
    async with opened_database(url_of(options.place)) as database, Targets(openers) as targets:
        await migrate(database)
        identity = Identity(options, database, keyring)
        yield Installation(options, database, keyring, identity, Inspector(), targets)


async def serve(options: Options, openers: Mapping[str, Opener]) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError if a port is taken."""
    async with installed(options, openers) as installation:
        api = _server(create_app(installation), options.host, options.port)
        data_app = create_data_app(installation)
        failures.install(data_app)
        data_app.add_middleware(Guard, hosts=_data_hosts(options), is_secure=False)
        data = _server(data_app, options.data_host, options.data_port)
        async with asyncio.TaskGroup() as group:
            reconciling = group.create_task(Reconciler(installation).run())
            serving = group.create_task(data.serve())
            await api.serve()
            data.should_exit = True
            await serving
            reconciling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reconciling


def _server(app: FastAPI, host: str, port: int) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=65,
        h11_max_incomplete_event_size=64 << 10,
        limit_concurrency=500,
        lifespan="off",
    )
    return uvicorn.Server(config)


def _data_hosts(options: Options) -> frozenset[str]:
    from urllib.parse import urlsplit

    named = urlsplit(options.data_url or "").hostname
    return frozenset({"localhost", "127.0.0.1", "[::1]", name_of(options.data_host), *([named] if named else [])})


def default_folder() -> Path:
    """Where an installation is kept that was told nothing: `~/.octo/platform`."""
    return Path.home() / ".octo" / "platform"
