"""The source `static`: files of a folder over HTTP."""

from __future__ import annotations

import os
from base64 import b64encode
from contextlib import asynccontextmanager

import pytest

from octo.config.load import load
from octo.connectors.http import Http, Route
from octo.connectors.http.sources import Static
from octo.core.errors import ConfigError
from octo.core.flow import Drop
from octo.core.message import Message

OLD = 1_700_000_000


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "public"
    (inside / "docs").mkdir(parents=True)
    for name, text in {
        "index.html": "<h1>hi</h1>",
        "app.js": "let a",
        "docs/index.html": "docs",
        "big.bin": "",
    }.items():
        (inside / name).write_text(text)
        os.utime(inside / name, (OLD, OLD))
    (tmp_path / "secret.txt").write_text("secret")
    return inside


@asynccontextmanager
async def files(site, folder, inlet, **settings):
    async with site.http.files(Static.model_validate({"folder": str(folder), **settings}), inlet):
        yield


async def test_files_and_folders(site, folder, inlet):
    """With what a browser needs to know about them. The flow runs for each of them, and only for them."""
    seen = inlet()
    async with files(site, folder, seen):
        status, headers, text = await site.ask(path="/app.js?v=1")
        index = await site.ask()
        docs = await site.ask(path="/docs/")
        moved = await site.ask(path="/docs?x=1")
        gone = await site.ask(path="/gone.js")

    assert (status, text) == (200, "let a")
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert headers["Cache-Control"] == "no-cache"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["ETag"].startswith('"5-')
    assert (index[0], index[2], docs[2]) == (200, "<h1>hi</h1>", "docs")
    assert (moved[0], moved[1]["Location"]) == (308, "/docs/?x=1")
    assert (gone[0], gone[2]) == (404, '{"error":"not found"}')
    assert [each.vars["path"] for each in seen.messages] == ["app.js", "", "docs/"]


async def test_a_client_that_has_the_file_gets_no_other(site, folder, inlet):
    """304 has no body, but what a cache needs."""
    async with files(site, folder, inlet()):
        _, headers, _ = await site.ask(path="/app.js")
        status, again, text = await site.ask(path="/app.js", headers={"If-None-Match": headers["ETag"]})
        failed, _, _ = await site.ask(path="/app.js", headers={"If-Match": '"other"'})

    assert (status, text, again["ETag"], failed) == (304, "", headers["ETag"], 412)


async def test_head_and_ranges(site, folder, inlet):
    async with files(site, folder, inlet()):
        head = await site.ask("HEAD", "/app.js", headers={"Range": "bytes=1-2"})
        part = await site.ask(path="/app.js", headers={"Range": "bytes=1-2"})
        none = await site.ask(path="/app.js", headers={"Range": "bytes=9-"})
        post = await site.ask("POST", "/app.js")

    assert (head[0], head[2], head[1]["Content-Length"]) == (200, "", "5")
    assert (part[0], part[2], part[1]["Content-Range"], part[1]["Content-Length"]) == (206, "et", "bytes 1-2/5", "2")
    assert (none[0], none[1]["Content-Range"]) == (416, "bytes */5")
    assert (post[0], post[1]["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/docs/..%2f..%2fsecret.txt",
        "/.env",
        "/out.txt",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/app.js%00.png",
        "/docs%5c..%5capp.js",
        "/app.js/",
        "/pipe",
        "/docs/..",
    ],
)
async def test_nothing_else_is_served(site, folder, inlet, path):
    """Whatever the path is made to look like."""
    (folder / ".env").write_text("SECRET=1")
    (folder / "out.txt").symlink_to(folder.parent / "secret.txt")
    os.mkfifo(folder / "pipe")
    async with files(site, folder, inlet()):
        answer = await site.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"secret" not in answer.lower()


@pytest.mark.parametrize("size", [256 * 1024 + 1, 5_000_000])
async def test_a_large_file_is_sent_in_pieces(site, folder, inlet, size):
    """Its length is known, and the connection goes on."""
    data = os.urandom(size)
    (folder / "big.bin").write_bytes(data)
    async with files(site, folder, inlet()):
        for headers, expected in (({}, data), ({"Range": f"bytes=7-{size - 9}"}, data[7 : size - 8])):
            async with site.client.get(f"{site.http.url}/big.bin", headers=headers) as response:
                assert await response.read() == expected
                assert response.headers["Content-Length"] == str(len(expected))
                assert "Transfer-Encoding" not in response.headers
        head = await site.ask("HEAD", "/big.bin")
        assert (head[1]["Content-Length"], head[2]) == (str(size), "")
        assert (await site.ask(path="/app.js"))[2] == "let a"


async def test_a_file_that_shrinks_is_not_taken_for_whole(site, folder, inlet):
    """The connection is closed before its length is reached."""
    (folder / "big.bin").write_bytes(bytes(3_000_000))

    def shrink(message):
        os.truncate(folder / "big.bin", 300_000)
        return message

    async with files(site, folder, inlet(shrink)):
        answer = await site.raw(b"GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")

    assert b"content-length: 3000000\r\n" in answer
    assert len(answer) < 400_000


async def test_the_flow_may_refuse(site, folder, inlet):
    """A dropped message is a file that is not there."""
    async with files(site, folder, inlet(lambda message: Drop("no"))):
        assert (await site.ask(path="/app.js"))[0] == 404

    def fail(message):
        raise ValueError(message)

    async with files(site, folder, inlet(fail)):
        assert (await site.ask(path="/app.js"))[0] == 500


async def test_the_flow_may_answer_itself(site, folder, inlet):
    """E.g. to those who have not logged in."""
    message = Message({"error": "log in first"}, {"httpStatus": 403})
    async with files(site, folder, inlet(lambda _: message)):
        status, headers, text = await site.ask(path="/app.js")
        gone, _, _ = await site.ask(path="/gone.js")

    assert (status, text, gone) == (403, '{"error":"log in first"}', 404)
    assert "ETag" not in headers


async def test_settings(serve, folder, inlet):
    """Zipped files, a page for all paths, the cache, and credentials."""
    (folder / "app.js.gz").write_bytes(b"\x1f\x8bzipped")
    auth = {"type": "basic", "users": {"ada": "lovelace"}}
    ada = {"Authorization": "Basic " + b64encode(b"ada:lovelace").decode()}
    more = {"zipped": True, "fallback": "index.html", "cacheControl": "max-age=60", "path": "/site"}
    async with serve(auth=auth, basePath="/base") as site, files(site, folder, inlet(), **more):
        raw = await site.raw(
            b"GET /base/site/app.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: br, gzip\r\n"
            b"Authorization: " + ada["Authorization"].encode() + b"\r\n\r\n"
        )
        plain = await site.ask(path="/site/app.js", headers={**ada, "Accept-Encoding": "gzip;q=0"})
        page = await site.ask(path="/site/any/where", headers={**ada, "Accept": "text/html,*/*"})
        data = await site.ask(path="/site/any.json", headers={**ada, "Accept": "application/json"})
        stranger = await site.ask(path="/site/app.js")

    assert b"content-encoding: gzip\r\n" in raw
    assert b"content-type: text/javascript; charset=utf-8\r\n" in raw
    assert raw.endswith(b"\r\n\r\n\x1f\x8bzipped")
    assert (plain[2], plain[1]["Vary"], plain[1]["Cache-Control"]) == ("let a", "Accept-Encoding", "max-age=60")
    assert (page[0], page[2], data[0], stranger[0]) == (200, "<h1>hi</h1>", 404, 401)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("br, GZIP;q=0.5", "gzip"),
        ("*", "gzip"),
        ("*;q=0, gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=0", None),
        ("gzip; q=0.000, *", None),
        ("br", None),
        ("", None),
    ],
)
async def test_a_zipped_file_is_for_those_who_take_it(site, folder, inlet, accepted, coding):
    """By the letter of `Accept-Encoding`; caches keep both apart."""
    (folder / "app.js.gz").write_bytes(b"zipped")
    async with files(site, folder, inlet(), zipped=True):
        lines = f"GET /app.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: {accepted}\r\n\r\n"
        answer = await site.raw(lines.encode())

    assert (b"content-encoding: gzip" in answer) is (coding is not None)
    assert answer.endswith(b"zipped" if coding else b"let a")
    assert b"vary: Accept-Encoding" in answer


async def test_other_sources_are_more_specific(site, folder, inlet):
    """A site and its API on one connector."""
    api = Route.model_validate({"path": "/api/{id}"})
    assert Http.conflicts([api, Static.model_validate({"folder": "x"})]) == []
    assert len(Http.conflicts([Static.model_validate({"folder": each}) for each in "xy"])) == 1
    async with files(site, folder, inlet()), site.http.route(api, inlet()):
        assert (await site.ask("POST", "/api/1"))[0] == 200


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("..", "outside the configuration's folder"),
        ("/etc", "outside the configuration's folder"),
        ("link", "outside the configuration's folder"),
        (".", "the folder of the configuration: flow files"),
        ("./", "the folder of the configuration: flow files"),
        ("gone", "there is no folder"),
        ("flow.yaml", "there is no folder"),
    ],
)
def test_the_folder_is_inside_that_of_the_configuration(tmp_path, plugins, folder, why):
    """As other resources of a configuration."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path)
    flow = tmp_path / "here" / "flow.yaml"
    flow.write_text(f"flows: [{{name: site, source: {{type: static, settings: {{folder: {folder}}}}}}}]")
    with pytest.raises(ConfigError, match=why):
        load(flow, plugins, {})


@pytest.mark.parametrize(
    "settings", [{"path": "/{x}"}, {"path": "x"}, {"fallback": "../x"}, {"cacheControl": "a\r\nb"}]
)
def test_other_settings_are_checked(settings):
    with pytest.raises(ValueError, match=r"\w"):
        Static.model_validate({"folder": "x", **settings})
