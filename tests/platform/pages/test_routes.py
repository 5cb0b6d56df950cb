"""The pages as files: for everybody, never older than the platform, and no other file beside them."""

from __future__ import annotations

import httpx
import pytest

from tests.platform.conftest import BASE


@pytest.mark.parametrize("path", ["/", "/login", "/setup", "/w/shop", "/w/shop/integrations/a", "/pages/octo.css"])
async def test_a_page_is_sent_to_everybody_and_once(client: httpx.AsyncClient, path: str) -> None:
    """It has the policy for scripts, and is not sent again to who has it."""
    found = await client.get(BASE + path)
    assert found.status_code == 200
    assert "script-src 'self'" in found.headers["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in found.headers["Content-Security-Policy"], "no text becomes markup"
    assert found.headers["Cache-Control"] == "no-cache"
    again = await client.get(BASE + path, headers={"If-None-Match": found.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await client.head(BASE + path)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/pages/",
        "/pages/nothing.js",
        "/pages/shelf.py",
        "/pages/../shelf.py",
        "/pages/%2e%2e/shelf.py",
        "/pages/..%2fshelf.py",
        "/pages//etc/passwd",
        "/pages/parts",
        "/pages/octo.css%00.js",
        "/w/shop/nothing",
    ],
)
async def test_nothing_else_is_there(client: httpx.AsyncClient, path: str) -> None:
    found = await client.get(BASE + path)
    assert found.status_code == 404
    assert found.json()["code"] == "not-found"


async def test_a_page_cannot_be_written(client: httpx.AsyncClient) -> None:
    found = await client.post(BASE + "/login", content=b"x")
    assert (found.status_code, found.json()["code"]) == (405, "wrong-method")


async def test_the_description_of_the_api_has_no_page(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert [each for each in paths if not each.startswith(("/api/v1/", "/auth/"))] == []
