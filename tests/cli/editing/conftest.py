"""The server of the editor on a real port, and a page that asks it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from octo.cli.editing.app import MOST_BODY, App
from octo.cli.editing.calls import CALLS
from octo.cli.editing.editor import Editor, Opened
from octo.cli.editing.entrance import KEY, Entrance
from octo.operations.server import serving

FLOW = """\
# what greets
flows:
  - name: hello
    process:
      - {type: set-payload, name: greet, value: '"hello, " + body.name'}
"""


class Answer(NamedTuple):
    status: int
    headers: Any
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def etag(self) -> str:
        return self.headers["etag"]


class Page:
    """A page in a browser. http: without cookies of its own."""

    def __init__(self, http: aiohttp.ClientSession, port: int) -> None:
        self.http = http
        self.port = port
        self.headers: dict[str, str] = {}

    async def enter(self, link: str) -> Answer:
        found = await self.ask("POST", "/api/session", {"token": link.partition("#token=")[2]})
        if found.status == 200:
            self.headers = {"cookie": found.headers["set-cookie"].partition(";")[0], KEY: found.json["key"]}
        return found

    async def ask(self, method: str, path: str, body: object = None, **headers: str | None) -> Answer:
        given = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        sent = {name: value for name, value in given.items() if value is not None}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.http.request(method, url, data=data, headers=sent, skip_auto_headers=["content-type"]) as reply:
            return Answer(reply.status, reply.headers, await reply.read())

    @asynccontextmanager
    async def events(self, **headers: str):
        """A context that is entered with a function that gives the next event as kind, value and id."""
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        timeout = aiohttp.ClientTimeout(None)
        url = f"http://127.0.0.1:{self.port}/api/events"
        async with self.http.get(url, headers=sent, timeout=timeout) as reply:
            assert reply.status == 200
            first = await reply.content.readuntil(b"\n\n")
            waiting = [] if first == b": here\n\n" else [first]

            async def following() -> tuple[str, Any, str]:
                while True:
                    text = waiting.pop() if waiting else await reply.content.readuntil(b"\n\n")
                    lines = dict(line.split(": ", 1) for line in text.decode().strip().split("\n"))
                    if "event" in lines:
                        return lines["event"], json.loads(lines["data"]), lines["id"]

            yield following


class Served(NamedTuple):
    editor: Editor
    entrance: Entrance
    port: int
    links: list[str]
    http: aiohttp.ClientSession
    project: Path

    async def page(self) -> Page:
        """A page that has entered."""
        found = Page(self.http, self.port)
        assert (await found.enter(self.entrance.link())).status == 200
        return found


@asynccontextmanager
async def served(project: Path, built: Path, most_body: int = MOST_BODY):
    links: list[str] = []
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        entrance = Entrance(port, links.append)
        async with (
            Editor.open(Opened.of(project), entrance) as editor,
            serving(App(editor, entrance, CALLS, built), listener, most_body=most_body),
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        ):
            yield Served(editor, entrance, port, links, http, project)


@pytest.fixture
def built(tmp_path):
    """A page as the build leaves it."""
    folder = tmp_path / "built"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Octo</title>")
    (folder / "assets" / "index-abc.js").write_text("0")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "flow.yaml").write_text(FLOW)
    return folder


@pytest.fixture
async def server(project, built):
    async with served(project, built) as found:
        yield found


@pytest.fixture
async def page(server):
    return await server.page()


@pytest.fixture
def until():
    """Wait until a condition is true; the time limit of the test ends it otherwise."""

    async def wait(condition) -> None:
        while not condition():
            await asyncio.sleep(0.01)

    return wait
