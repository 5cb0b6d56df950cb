"""The data plane of an installation, and deployments that ask it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import nullcontext
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import select

from octo_platform.api.serving import guarded
from octo_platform.data import plane as data_plane
from octo_platform.data.plane import Plane
from octo_platform.deployments import releases, store
from octo_platform.deployments.building import token_place
from octo_platform.deployments.settings import Settings
from octo_platform.flows.archive import packed
from octo_platform.installation import Installation
from octo_platform.storage.tables import Bundle, Deployment, Environment, Integration, Version, Workspace
from tests.platform.asking import FLOW, done


class Keeper(httpx.AsyncClient):
    """Asks as the deployment `dev:orders`, unless told otherwise."""

    installation: Installation
    plane: Plane

    async def token(self, slug: str) -> str:
        async with self.installation.database.read() as session:
            row = (await session.scalars(select(Deployment).where(Deployment.slug == slug))).one()
        return self.installation.keyring.open(token_place(row.id), row.token).decode()

    async def be(self, slug: str) -> None:
        """Ask as another deployment from now on."""
        self.headers["Authorization"] = f"Bearer {await self.token(slug)}"

    # --- queues --------------------------------------------------------------------------------------------------

    async def sends(self, queue: str, *values: bytes, **more: object) -> list[str]:
        about = [{"queue": queue, "id": f"m{number}", "size": len(each)} | more for number, each in enumerate(values)]
        body = json.dumps({"messages": about}).encode() + b"\n" + b"".join(values)
        return list((await done(self.post("/queues/send", content=body))).json()["ids"])

    async def takes(self, queue: str, **query: object) -> list[dict[str, object]]:
        """What is said of each message, with its value."""
        answer = await done(self.post("/queues/receive", params={"queue": queue, **query}))
        return messages(answer)

    async def acks(self, *received: dict[str, object]) -> list[bool]:
        about = [{"number": each["number"], "lent": each["lent"]} for each in received]
        body = json.dumps({"messages": about}).encode() + b"\n"
        return list((await done(self.post("/queues/ack", content=body))).json()["done"])


def messages(answer: httpx.Response) -> list[dict[str, object]]:
    line, _, rest = answer.content.partition(b"\n")
    found = []
    for each in json.loads(line)["messages"]:
        found.append({**each, "value": rest[: each["size"]]})
        rest = rest[each["size"] :]
    assert rest == b""
    return found


@pytest.fixture
async def spawn() -> AsyncIterator[Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]]:
    """Runs something beside the test, which has an end by itself."""
    async with asyncio.TaskGroup() as group:
        yield group.create_task


@pytest.fixture
async def plane(installation: Installation) -> AsyncIterator[Plane]:
    async with data_plane.opened(installation) as found:
        yield found


async def _deployed(installation: Installation) -> None:
    """The workspace `shop` with an environment `dev`, two integrations and three deployments, put there by hand."""
    async with installation.database.write() as session:
        session.add(space := Workspace(name="shop"))
        await session.flush()
        session.add(dev := Environment(workspace_id=space.id, name="dev", target="local"))
        for name, slugs in (("orders", ("orders", "twin")), ("other", ("other",))):
            session.add(of := Integration(workspace_id=space.id, name=name))
            await session.flush()
            files = {f"{name}.yaml": FLOW.encode(), "pages/.env": b"", "pages/mail.html": b"<p>"}
            session.add(Bundle(hash=name, archive=packed(files), facts={}))
            await session.flush()
            session.add(version := Version(integration_id=of.id, tag="v1", hash=name))
            await session.flush()
            for slug in slugs:
                session.add(row := store.made(installation, of, dev, slug))
                await session.flush()
                releases.want(session, row, version.id, Settings(), "deploy", None)


@pytest.fixture
async def keeper(installation: Installation, plane: Plane) -> AsyncIterator[Keeper]:
    """There are the deployments `orders`, `twin` of the same integration, and `other` of another one."""
    await _deployed(installation)
    transport = httpx.ASGITransport(guarded(plane), raise_app_exceptions=False)
    async with Keeper(transport=transport, base_url="http://127.0.0.1/data/v1", timeout=60) as found:
        found.installation, found.plane = installation, plane
        await found.be("orders")
        yield found


@pytest.fixture
async def served(keeper: Keeper, plane: Plane, port: int, spawn: Any) -> AsyncIterator[tuple[str, str]]:
    """The address of the data plane on a real port, and the token of `orders`."""
    server = uvicorn.Server(uvicorn.Config(guarded(plane), port=port, log_config=None, lifespan="off"))
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
    serving = spawn(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}", await keeper.token("orders")
    server.should_exit = True
    plane.close()
    await serving
