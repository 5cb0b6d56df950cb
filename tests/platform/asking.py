"""What tests of the platform do again and again: make things, and wait until they are as they shall be."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

FLOW = """
env: [{name: HTTP_PORT, default: "8080"}]
connectors: [{name: web, type: http, settings: {port: "${HTTP_PORT}"}}]
flows:
  - name: hello
    source: {type: http, connector: web, settings: {path: /hello}}
    process: [{type: set-payload, settings: {value: '"Hello"'}}]
"""
SECRET = """
env:
  - {name: HTTP_PORT, default: "8080"}
  - {name: TOKEN, secret: bank, required: true}
connectors:
  - {name: web, type: http, settings: {port: "${HTTP_PORT}"}}
  - {name: bank, type: http-client, settings: {baseURL: "https://bank.test", auth: {type: bearer, token: "${TOKEN}"}}}
flows:
  - name: hello
    source: {type: http, connector: web, settings: {path: /hello}}
    process: [{type: rest, settings: {connector: bank, path: /}}]
"""
HERE = "/workspaces/shop"
ANY = {"If-Match": "*"}


async def done(answer: Any) -> httpx.Response:
    """The answer, which must be a success."""
    response: httpx.Response = await answer
    assert response.is_success, response.text
    return response


async def problem(answer: Any) -> str:
    """The code of the problem that the answer is, and must be."""
    response: httpx.Response = await answer
    assert response.headers["content-type"] == "application/problem+json", response.text
    body = response.json()
    assert body["status"] == response.status_code
    assert body["type"] == f"urn:octo:problem:{body['code']}"
    return body["code"]


async def shop(client: httpx.AsyncClient, *, target: str = "local", settings: dict[str, Any] | None = None) -> None:
    """A workspace `shop` with an environment `dev`."""
    await done(client.post("/workspaces", json={"name": "shop"}))
    body = {"name": "dev", "target": target, "settings": settings or {}}
    await done(client.post(f"{HERE}/environments", json=body))


async def integration(client: httpx.AsyncClient, name: str = "orders", flow: str = FLOW, *tags: str) -> None:
    """An integration with one flow file and these tags."""
    await done(client.post(f"{HERE}/integrations", json={"name": name, "files": {f"{name}.yaml": flow}}))
    for tag in tags:
        await done(client.post(f"{HERE}/integrations/{name}/versions", json={"tag": tag}))


async def deployment(client: httpx.AsyncClient, tag: str = "v1", **settings: Any) -> httpx.Response:
    """A deployment `dev:orders`."""
    body = {"environment": "dev", "integration": "orders", "tag": tag, "settings": settings}
    return await done(client.post(f"{HERE}/deployments", json=body))


async def until(client: httpx.AsyncClient, name: str = "dev:orders", **wanted: Any) -> dict[str, Any]:
    """The deployment, once it is as wanted."""
    async with asyncio.timeout(60):
        while True:
            found = (await done(client.get(f"{HERE}/deployments/{name}"))).json()
            if all(found.get(key) == value for key, value in wanted.items()):
                return found
            await asyncio.sleep(0.02)


async def until_gone(client: httpx.AsyncClient, name: str = "dev:orders") -> None:
    async with asyncio.timeout(60):
        while (await client.get(f"{HERE}/deployments/{name}")).status_code != 404:
            await asyncio.sleep(0.02)
