"""The platform is killed in the middle of deploys, rolls and removals: afterwards all is as it is wanted.

OCTO_KILL_DEPLOYMENTS: how many at once, 6 without it. `make chaos-platform` takes 50.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

COUNT = int(os.environ.get("OCTO_KILL_DEPLOYMENTS", "6"))
PATIENCE = 60 + 10 * COUNT
ANY = {"If-Match": "*"}
HERE = "/workspaces/shop"
FLOW = """
env: [{{name: HTTP_PORT, default: "8080"}}]
connectors: [{{name: web, type: http, settings: {{port: "${{HTTP_PORT}}"}}}}]
flows:
  - name: hello
    source: {{type: http, connector: web, settings: {{path: /}}}}
    process: [{{type: set-payload, settings: {{value: '"{0}"'}}}}]
"""

pytestmark = pytest.mark.timeout(2 * PATIENCE + 120)


class Platform:
    """A platform that can be killed and started again."""

    def __init__(self, folder: Path, port: int, data_port: int) -> None:
        self.folder = folder
        self._log = (folder / "log").open("ab")
        self._command = [
            *(sys.executable, "-m", "octo", "platform", "--insecure-local", "--folder", str(folder / "platform")),
            *("--port", str(port), "--data-port", str(data_port), "--progress-deadline", str(PATIENCE)),
        ]
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60)
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL)
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await self.client.get("/health")).is_success:
                        return
                assert self._process.poll() is None, (self.folder / "log").read_text()
                await asyncio.sleep(0.1)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            await asyncio.to_thread(self._process.wait)
        await self.client.aclose()
        self._log.close()

    def children(self) -> list[str]:
        """The command lines of all processes that run a deployment of this platform."""
        lines = []
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                lines.append(each.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        return [each for each in lines if f"{self.folder}/platform/deployments/" in each and " run " in each]


@pytest.fixture
async def platform(tmp_path: Path, free_port: Any) -> AsyncIterator[Platform]:
    found = Platform(tmp_path, free_port(), free_port())
    await found.start()
    yield found
    await found.stop()
    async with asyncio.timeout(PATIENCE):
        while found.children():
            await asyncio.sleep(0.1)


async def _patiently(client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response | None:
    """The answer; None if the platform was killed before it came. Then nobody knows whether it was done."""
    try:
        return await client.request(method, path, **more)
    except httpx.TransportError:
        return None


async def _all(platform: Platform) -> list[dict[str, Any]]:
    found = (await platform.client.get(f"{HERE}/deployments", params={"limit": 200})).json()
    return list(found["items"])


async def _settled(platform: Platform) -> list[dict[str, Any]]:
    """All deployments, once each is as it is wanted."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await _all(platform)
            if all(
                each["phase"] == "running"
                and each["observedGeneration"] == each["generation"]
                and each.get("observedAt")  # since the platform began
                for each in found
            ):
                return found
            await asyncio.sleep(0.2)


async def test_killed_in_the_middle_of_everything(platform: Platform, tmp_path: Path):
    client = platform.client
    chance = random.Random(14)
    (await client.post("/workspaces", json={"name": "shop"})).raise_for_status()
    (await client.post(f"{HERE}/environments", json={"name": "dev"})).raise_for_status()
    (
        await client.post(f"{HERE}/integrations", json={"name": "a", "files": {"a.yaml": FLOW.format("v1")}})
    ).raise_for_status()
    (await client.post(f"{HERE}/integrations/a/versions", json={"tag": "v1"})).raise_for_status()
    changed = FLOW.format("v2").encode()
    (await client.put(f"{HERE}/integrations/a/files/a.yaml", content=changed, headers=ANY)).raise_for_status()
    (await client.post(f"{HERE}/integrations/a/versions", json={"tag": "v2"})).raise_for_status()

    def deploy(n: int) -> Any:
        body = {"environment": "dev", "integration": "a", "tag": "v1", "slug": f"a{n}"}
        return _patiently(client, "POST", f"{HERE}/deployments", json=body)

    def roll(n: int) -> Any:
        return _patiently(client, "POST", f"{HERE}/deployments/dev:a{n}/rollout", json={"tag": "v2"}, headers=ANY)

    def remove(n: int) -> Any:
        return _patiently(client, "DELETE", f"{HERE}/deployments/dev:a{n}", headers=ANY)

    async def killed_during(*requests: Any) -> None:
        async with asyncio.TaskGroup() as group:
            for each in requests:
                group.create_task(each)
            await asyncio.sleep(chance.uniform(0.1, 1.5))
            platform.kill()
        await platform.start()

    await killed_during(*(deploy(n) for n in range(COUNT)))
    await asyncio.gather(*(deploy(n) for n in range(COUNT)))  # those that nobody knows of; others are refused
    assert len(await _all(platform)) == COUNT
    await killed_during()
    await _settled(platform)

    third = COUNT // 3
    rolls = [roll(n) for n in range(third)]
    await killed_during(
        *rolls, *(remove(n) for n in range(third, 2 * third)), *(deploy(COUNT + n) for n in range(third))
    )
    await asyncio.gather(*(remove(n) for n in range(third, 2 * third)), *(deploy(COUNT + n) for n in range(third)))
    await asyncio.gather(*(roll(n) for n in range(third)))
    await killed_during()

    found = await _settled(platform)
    slugs = [each["slug"] for each in found]
    wanted = {f"a{n}" for n in range(COUNT + third)} - {f"a{n}" for n in range(third, 2 * third)}
    assert sorted(slugs) == sorted(wanted)
    await _is_as_wanted(platform, found, third)


async def _is_as_wanted(platform: Platform, found: list[dict[str, Any]], rolled: int) -> None:
    """What runs is what the database says: versions, addresses, processes, folders; and nothing else."""
    async with httpx.AsyncClient() as outside:
        said = {each["slug"]: (await outside.get(each["internalUrl"])).json() for each in found}
    assert said == {each["slug"]: "v2" if int(each["slug"][1:]) < rolled else "v1" for each in found}
    assert len({each["internalUrl"] for each in found}) == len(found)

    ids = {each["id"] for each in found}
    (place,) = (platform.folder / "platform" / "deployments").iterdir()
    async with asyncio.timeout(PATIENCE):
        while True:
            folders = {each.name for each in place.iterdir() if len(each.name) == 36}
            running = Counter(next((id_ for id_ in ids if id_ in line), line) for line in platform.children())
            if folders == ids and running == Counter(ids):
                return
            await asyncio.sleep(0.5)
