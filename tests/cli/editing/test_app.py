"""What answers a browser: the page, the API, and nothing else."""

from __future__ import annotations

import errno
import re

import pytest

from octo.cli.editing import app, codes

from .conftest import served


async def test_the_page_and_its_files(server, page):
    """They are served as they were built, to whoever reaches the port; every response has the strict headers."""
    shell = await page.ask("GET", "/", cookie=None, octo_key=None)
    script = await page.ask("GET", "/assets/index-abc.js")

    assert (shell.status, shell.data) == (200, b"<!doctype html><title>Octo</title>")
    assert shell.headers["content-type"] == "text/html; charset=utf-8"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    for each in (shell, script, await page.ask("GET", "/api/files"), await page.ask("GET", "/nothing")):
        policy = each.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "frame-ancestors 'none'" in policy
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["cache-control"] == "no-store"
        assert each.headers["referrer-policy"] == "no-referrer"


async def test_styles_are_written_with_a_nonce_of_this_load_alone(server, page, built):
    """The page tells its scripts the nonce that the policy of the same response names; no other response has one."""
    found = []
    (built / "index.html").write_bytes(b'<meta property="csp-nonce" nonce="NONCE" />')
    for each in (await page.ask("GET", "/"), await page.ask("GET", "/")):
        nonce = re.search(rb'nonce="([A-Za-z0-9_-]{20,})"', each.data)[1].decode()
        assert f"style-src 'self' 'nonce-{nonce}';" in each.headers["content-security-policy"]
        found.append(nonce)

    assert found[0] != found[1]
    assert "nonce" not in (await page.ask("GET", "/api/files")).headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/assets",
        "/assets/",
        "/.hidden",
        "/assets/index-abc.js%00.html",
    ],
)
async def test_nothing_but_the_page_is_served(server, page, path):
    import asyncio

    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)  # a client would shorten the path
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n".encode())
    reply = await reader.read()
    writer.close()

    assert reply.split(b" ")[1] == b"404"
    assert b"secret" not in reply.partition(b"\r\n\r\n")[2]


async def test_the_api_needs_a_session(server, page):
    """All calls but the exchange of a token, before they look at anything else."""
    for method, path in (("GET", "/api/session"), ("GET", "/api/files"), ("PUT", "/api/files/flow.yaml")):
        for without in ({"cookie": None}, {"octo_key": None}):
            found = await page.ask(method, path, **without)
            assert (found.status, found.json["code"]) == (401, codes.LINK)


async def test_a_token_is_used_once(server, page):
    link = server.entrance.link()

    first, second = await page.enter(link), await page.enter(link)

    assert (first.status, second.status) == (200, 401)
    assert {"name", "folder", "only", "octo", "key"} == first.json.keys()
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=Strict" in first.headers["set-cookie"]


@pytest.mark.parametrize(
    "headers", [{"host": "evil.test"}, {"origin": "http://evil.test"}, {"sec_fetch_site": "cross-site"}]
)
@pytest.mark.parametrize("path", ["/", "/api/files", "/api/session", "/api/events"])
async def test_pages_of_others_are_refused(server, page, path, headers):
    """Whoever has the cookie and the key, and whatever they ask for."""
    found = await page.ask("GET", path, **headers)

    assert (found.status, found.json["code"]) == (403, codes.FOREIGN)


async def test_what_the_api_does_not_take(server, page):
    """Each fault of a body is told, and no handler sees it."""
    other = await page.ask("POST", "/api/rename", b"a=b", content_type="application/x-www-form-urlencoded")
    broken = await page.ask("POST", "/api/rename", b'{"from": ')
    wrong = await page.ask("POST", "/api/rename", {"from": 1, "more": 2})
    missing = await page.ask("POST", "/api/rename", b"")
    method = await page.ask("PATCH", "/api/files/flow.yaml")
    nowhere = await page.ask("GET", "/api/nothing")

    assert [each.status for each in (other, broken, wrong, missing, method)] == [400] * 5
    assert {each.json["code"] for each in (other, broken, wrong, missing, method)} == {codes.REQUEST}
    assert "to" in wrong.json["hint"]
    assert nowhere.status == 404


async def test_a_body_is_bounded(project, built):
    async with served(project, built, most_body=5_000) as server:
        page = await server.page()
        assert (await page.ask("POST", "/api/check", {"files": {"a.yaml": "x" * 4_900}})).status == 200
        assert (await page.ask("POST", "/api/check", {"files": {"a.yaml": "x" * 5_000}})).status == 413


async def test_a_fault_of_ours_shows_no_internals(server, page, monkeypatch, caplog):
    async def broken(*_):
        raise RuntimeError("inside")

    monkeypatch.setattr(server.editor.watcher, "look", broken)

    found = await page.ask("GET", "/api/files")

    assert (found.status, found.json["code"]) == (500, codes.BROKE)
    assert "inside" not in found.data.decode()
    assert "inside" in caplog.text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
async def test_a_full_disk_is_told(server, page, monkeypatch, number):
    """And the file is as it was."""

    def full(*_):
        raise OSError(number, "x")

    monkeypatch.setattr("octo.cli.authoring.folder._replace", full)
    etag = (await page.ask("GET", "/api/files/flow.yaml")).etag

    found = await page.ask("PUT", "/api/files/flow.yaml", {"text": "flows: []\n"}, if_match=etag)

    assert (found.status, found.json["code"]) == (507, codes.UNWRITTEN)
    assert (await page.ask("GET", "/api/files/flow.yaml")).etag == etag


def test_every_code_has_a_status():
    assert {each for each in codes.EXPLANATIONS if each != codes.UNBUILT} <= app.STATUS.keys()
