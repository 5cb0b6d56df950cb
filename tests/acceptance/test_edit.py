"""`octo edit samples` in a real terminal, with real requests: its link, who may come in, and its end."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pty
import re
import select
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
IN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C is a signal
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Terminal:
    """`octo edit` in a terminal of its own, and a browser without memory."""

    def __init__(self, *arguments: str, cwd: Path = ROOT) -> None:
        self.master, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_TERMINAL, "-m", "octo", "edit", *arguments],
            cwd=cwd,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""
        self.headers: dict[str, str] = {}

    def read_until(self, pattern: str) -> re.Match[str]:
        end = time.monotonic() + PATIENCE
        while (found := re.search(pattern, self.shown)) is None:
            assert time.monotonic() < end, self.shown
            if select.select([self.master], [], [], 1.0)[0]:
                try:
                    self.shown += os.read(self.master, 65536).decode(errors="replace")
                except OSError:
                    raise AssertionError(self.shown) from None
        return found

    @property
    def links(self) -> list[tuple[int, str]]:
        self.read_until(r"#token=[\w-]+\s")
        return [
            (int(port), token) for port, token in re.findall(r"http://127\.0\.0\.1:(\d+)/#token=([\w-]+)", self.shown)
        ]

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.links[0][0], timeout=PATIENCE)
        given = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = None if body is None else json.dumps(body)
        with contextlib.closing(connection):
            connection.request(method, path, data, {"content-type": "application/json", **given})
            reply = connection.getresponse()
            return Reply(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())

    def enter(self, token: str) -> Reply:
        found = self.ask("POST", "/api/session", {"token": token})
        if found.status == 200:
            self.headers = {"cookie": found.headers["set-cookie"].partition(";")[0], "octo-key": found.json["key"]}
        return found

    def interrupt(self) -> int:
        os.write(self.master, b"\x03")
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal():
    with contextlib.ExitStack() as stack:

        def start(*arguments: str, cwd: Path = ROOT) -> Terminal:
            found = Terminal(*arguments, "--no-browser", cwd=cwd)
            stack.callback(found.close)
            return found

        yield start


@pytest.fixture
def samples(tmp_path):
    return Path(shutil.copytree(ROOT / "samples", tmp_path / "samples"))


def test_from_the_link_to_the_end(terminal, samples):
    """It is printed, opens one browser once, and is followed by one for the next; Ctrl-C ends everything."""
    editor = terminal(str(samples))
    [(_, token)] = editor.links

    page = editor.ask("GET", "/")
    assert page.status == 200
    assert b"<!doctype html>" in page.data.lower()
    for asset in re.findall(rb'(?:src|href)="\./([^"]+)"', page.data):
        assert editor.ask("GET", f"/{asset.decode()}").status == 200
    assert editor.ask("GET", "/api/files").status == 401
    assert editor.enter(token).status == 200
    assert editor.enter(token).status == 401
    editor.read_until("for another browser: ")
    assert editor.links[1][1] != token

    files = {each["path"]: each for each in editor.ask("GET", "/api/files").json["files"]}
    assert files["http-orders.yaml"]["kind"] == "flow"
    assert editor.ask("GET", "/api/catalogue").json["version"] == 1
    checked = editor.ask("POST", "/api/check", {"path": "http-orders.yaml", "tests": True})
    assert (checked.json["ok"], checked.json["configuration"]) == (True, "http-orders.yaml")

    assert editor.interrupt() == 0
    assert "Traceback" not in editor.shown
    with pytest.raises(OSError):
        editor.ask("GET", "/")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.test"}, 403),
        ({"host": "127.0.0.1"}, 403),
        ({"origin": "http://evil.test"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"cookie": ""}, 401),
        ({"octo_key": ""}, 401),
    ],
)
def test_who_may_not_come_in(terminal, tmp_path, headers, status):
    """Whoever has the link: neither another host name, nor a page of another address, nor half a session."""
    (tmp_path / "flow.yaml").write_text("flows: []\n")
    editor = terminal(str(tmp_path))
    assert editor.enter(editor.links[0][1]).status == 200
    etag = editor.ask("GET", "/api/files/flow.yaml").headers["etag"]

    for method, path, body in (("GET", "/api/files", None), ("PUT", "/api/files/flow.yaml", {"text": "x"})):
        assert editor.ask(method, path, body, if_match=etag, **headers).status == status
    assert (tmp_path / "flow.yaml").read_text() == "flows: []\n"


def test_two_editors_on_one_folder(terminal, samples):
    """Each has a port and sessions of its own; a save in one is seen in the other, and nobody's is lost."""
    one, other = terminal(str(samples)), terminal(str(samples))
    for each in (one, other):
        assert each.enter(each.links[0][1]).status == 200
    etag = one.ask("GET", "/api/files/heartbeat.yaml").headers["etag"]

    saved = one.ask("PUT", "/api/files/heartbeat.yaml", {"text": "flows: []\n"}, if_match=etag)
    stale = other.ask("PUT", "/api/files/heartbeat.yaml", {"text": "mine"}, if_match=etag)

    assert (saved.status, stale.status) == (200, 412)
    assert stale.json["current"]["text"] == "flows: []\n"
    foreign = {**one.headers}
    one.headers = other.headers
    assert one.ask("GET", "/api/files").status == 401
    one.headers = foreign


def test_a_run_ends_with_the_editor(terminal, tmp_path, port):
    """Also when the editor is killed: nothing that it has started goes on."""
    flow = f"""
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: hello
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process: [{{type: set-payload, value: '"hi"'}}]
"""
    (tmp_path / "flow.yaml").write_text(flow)
    editor = terminal(str(tmp_path / "flow.yaml"))
    assert editor.enter(editor.links[0][1]).json["only"] == "flow.yaml"
    editor.ask("POST", "/api/run", {})
    while editor.ask("GET", "/api/run").json["state"] != "running":
        time.sleep(0.05)
    sent = editor.ask("POST", "/api/send", {"url": f"http://127.0.0.1:{port}/"})
    assert sent.json["text"] == '"hi"'

    editor.process.kill()
    editor.process.wait()

    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            time.sleep(0.05)
            continue
        break
    else:
        raise AssertionError("the flows still run")


def test_the_folder_that_is_removed_under_it(terminal, tmp_path):
    """It is told, the editor goes on, and so does the page when the folder is back."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "flow.yaml").write_text("flows: []\n")
    editor = terminal(str(folder))
    editor.enter(editor.links[0][1])
    shutil.rmtree(folder)

    assert editor.ask("GET", "/api/files").status == 410
    assert editor.ask("POST", "/api/check", {"path": "flow.yaml"}).status in (200, 410)
    folder.mkdir()
    assert editor.ask("GET", "/api/files").json["files"] == []
    assert editor.interrupt() == 0
