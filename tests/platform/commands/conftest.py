"""A platform that is served on a real socket, whose deployments run nowhere, and `octo` typed at it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from octo.cli import doubled
from octo_platform.api import serving
from octo_platform.commands import verbs
from octo_platform.deployments.reconciler import Reconciler


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """The home of somebody who has not signed in anywhere; no variable names a platform."""
    found = tmp_path / "home"
    found.mkdir()
    monkeypatch.setenv("HOME", str(found))
    for name in ("URL", "KEY", "KEY_FILE", "CONFIG", "DATABASE", "FOLDER", "KEYS", "KEYS_FILE"):
        monkeypatch.delenv(f"OCTO_PLATFORM_{name}", raising=False)
    for name in ("OCTO_WORKSPACE", "OCTO_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return found


def run(*arguments: str, input: str | None = None) -> Result:
    """Run a verb of the platform in this process."""
    module, _, attribute = verbs.verbs[arguments[0]].command.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    return CliRunner().invoke(
        command, doubled(command, [*arguments[1:]]), input=input, prog_name=f"octo {arguments[0]}"
    )


@pytest.fixture
def typed(home) -> Callable[..., Awaitable[Result]]:
    """Run a verb while the platform answers."""

    async def run_(*arguments: str, input: str | None = None) -> Result:
        return await asyncio.to_thread(run, *arguments, input=input)

    return run_


@pytest.fixture
async def url(house) -> AsyncIterator[str]:
    """Where the platform is."""
    with serving._listening("127.0.0.1", 0) as listener:
        server = serving._server(house.app)
        async with asyncio.TaskGroup() as group:
            reconciling = group.create_task(Reconciler(house.installation).run())
            group.create_task(server.serve([listener]))
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            server.should_exit = True
            reconciling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reconciling


@pytest.fixture
async def key(house, url, home, monkeypatch) -> str:
    """The key of an administrator, which the verbs take."""
    ann = await house.signed_in("ann", "admin")
    made = (await ann.post("/keys", json={"name": "octo", "scopes": "all"})).json()["key"]
    monkeypatch.setenv("OCTO_PLATFORM_URL", url)
    monkeypatch.setenv("OCTO_PLATFORM_KEY", made)
    return made


FLOW = """
env: [{{name: HTTP_PORT, default: "8080"}}{more}]
connectors: [{{name: web, type: http, settings: {{port: "${{HTTP_PORT}}"}}}}]
flows:
  - name: hello
    source: {{connector: web, type: http, settings: {{path: /{path}}}}}
    process: [{{type: set-payload, settings: {{value: '"{text}"'}}}}]
"""


@pytest.fixture
def flow(home, tmp_path) -> Callable[..., str]:
    """Write `hello.yaml`, and return its path."""

    def write(text: str = "hi", path: str = "", more: str = "") -> str:
        file = tmp_path / "hello.yaml"
        file.write_text(FLOW.format(text=text, path=path, more=more))
        return str(file)

    return write
