"""The data plane of an installation, and deployments that ask it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import select

from octo_platform.api.serving import guarded
from octo_platform.data import plane as data_plane
from octo_platform.data.plane import Plane
from octo_platform.deployments.building import token_place
from octo_platform.installation import Installation
from octo_platform.storage.tables import Deployment
from tests.platform.asking import FLOW, HERE, deployment, done, integration, shop


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
async def plane(installation: Installation) -> AsyncIterator[Plane]:
    async with data_plane.opened(installation) as found:
        yield found


@pytest.fixture
async def keeper(client: httpx.AsyncClient, installation: Installation, plane: Plane) -> AsyncIterator[Keeper]:
    """There are the deployments `orders`, `twin` of the same integration, and `other` of another one."""
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    await integration(client, "other", FLOW, "v1")
    await deployment(client)
    for of, slug in (("orders", "twin"), ("other", "other")):
        body = {"environment": "dev", "integration": of, "tag": "v1", "slug": slug}
        await done(client.post(f"{HERE}/deployments", json=body))
    transport = httpx.ASGITransport(guarded(plane), raise_app_exceptions=False)
    async with Keeper(transport=transport, base_url="http://127.0.0.1/data/v1", timeout=60) as found:
        found.installation, found.plane = installation, plane
        await found.be("orders")
        yield found
