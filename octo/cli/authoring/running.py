"""The one `octo run` that an assistant may start: its log, its addresses, and its end."""

from __future__ import annotations

import asyncio
import http.client
import re
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import orjson

from octo.cli.authoring import child, codes
from octo.cli.authoring.refusal import Refused

Answer = dict[str, object]

TRACES = "sqlite:.octo/traces.db"
"""Where it keeps the traces of its messages, as `octo run` does by default."""
READY = re.compile(r"runtime ready")
START = 20.0
"""Seconds to start."""
MOST_LINES = 200
SHOWN = 40
"""Lines of the log in an answer."""
MOST_BODY = 64 << 10
"""Bytes of a response in an answer."""
_HOST = "127.0.0.1"
_NONE = "nothing runs"


class Started:
    """A process, and what it serves: the port of each http connector. Its log is read in a thread."""

    def __init__(self, process: subprocess.Popen[bytes], path: str, servers: Mapping[str, int]) -> None:
        self.process = process
        self.path = path
        self.servers = servers
        self.log: deque[str] = deque(maxlen=MOST_LINES)
        self.is_ready = False
        self.has_told = threading.Event()
        """Set when it is ready, or has ended."""
        self._reader = threading.Thread(target=self._read, name="octo-author-log", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        threading.Thread(target=child.hear, args=(self.process.stdout, _forget), daemon=True).start()
        child.hear(self.process.stderr, self._hear)
        self.has_told.set()

    def _hear(self, line: str) -> None:
        self.log.append(line)
        if READY.search(line):
            self.is_ready = True
            self.has_told.set()

    def end(self) -> None:
        """End it, and wait for the rest of its log."""
        child.end(self.process)
        self._reader.join(1.0)  # what it has started may hold the log open


def _forget(_: str) -> None:
    """What it prints for people."""


class Running:
    """At most one process. Use `open`."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root = root
        self._environ = environ
        self._started: Started | None = None
        self._turn = asyncio.Lock()

    @classmethod
    @contextmanager
    def open(cls, root: Path, environ: Mapping[str, str]) -> Iterator[Self]:
        """A context that ends what runs when it is left."""
        found = cls(root, environ)
        try:
            yield found
        finally:
            if found._started is not None:
                found._started.end()

    async def start(self, path: str, stubs: Sequence[str], servers: Mapping[str, int], services: str) -> Answer:
        """Start it, and wait until its flows run. servers: the port of each http connector, 0 for a free one."""
        async with self._turn:
            if self._started is not None and self._started.process.poll() is None:
                raise Refused(codes.RUN, f"{self._started.path!r} runs already", "it takes edits by itself; or stop it")
            if self._started is not None:
                await asyncio.to_thread(self._started.end)
            ports = {name: port or free_port() for name, port in servers.items()}
            self._started = started = await asyncio.to_thread(self._spawn, path, stubs, ports, services)
            await asyncio.to_thread(started.has_told.wait, START)
            if not started.is_ready and started.has_told.is_set():
                await asyncio.to_thread(started.process.wait)
            return self.status()

    def _spawn(self, path: str, stubs: Sequence[str], ports: Mapping[str, int], services: str) -> Started:
        moved = ["--port", str(next(iter(ports.values())))] if len(ports) == 1 else []
        options = ["--watch", "--traces", "--traces-store", TRACES, "--admin-addr", "off", "--drain", "5"]
        named = [part for each in stubs for part in ("--stubs", each)]
        arguments = ["run", "--services", services, *options, *moved, *named, "--", path]
        return Started(child.spawn(arguments, self._root, self._environ), path, ports)

    async def stop(self) -> Answer:
        """End it."""
        async with self._turn:
            if self._started is None:
                raise Refused(codes.RUN, _NONE, "run starts the flows")
            await asyncio.to_thread(self._started.end)
            return self.status()

    def status(self) -> Answer:
        """How it is."""
        if (started := self._started) is None:
            return {"state": "stopped", "log": []}
        code = started.process.poll()
        state = "stopped" if code is not None else "running" if started.is_ready else "starting"
        urls = {name: f"http://{_HOST}:{port}" for name, port in started.servers.items()}
        serving = {"servers": urls} if code is None else {"exit": code}
        return {"state": state, "path": started.path, **serving, "log": list(started.log)[-SHOWN:]}

    async def request(
        self, method: str, path: str, headers: Mapping[str, str], body: object, server: str, timeout: float
    ) -> Answer:
        """Send a request to one of its servers, and to no other."""
        started = self._started
        if started is None or started.process.poll() is not None:
            raise Refused(codes.RUN, _NONE, "run starts the flows")
        if not server and len(started.servers) == 1:
            [server] = started.servers
        if server not in started.servers:
            listed = ", ".join(started.servers) or "none"
            raise Refused(codes.MISSING, f"there is no HTTP server {server!r}", f"servers: {listed}")
        return await asyncio.to_thread(_sent, started.servers[server], method, path, headers, body, timeout)


def _sent(port: int, method: str, path: str, headers: Mapping[str, str], body: object, timeout: float) -> Answer:
    given = {name.lower(): value for name, value in headers.items()}
    if body is None or isinstance(body, str):
        data = None if body is None else str(body).encode()
    else:
        data = orjson.dumps(body)
        given.setdefault("content-type", "application/json")
    connection = http.client.HTTPConnection(_HOST, port, timeout=timeout)
    try:
        connection.request(method, path, data, given)
        response = connection.getresponse()
        content, is_whole = received(response, connection, time.monotonic() + timeout)
    except (ValueError, http.client.InvalidURL) as error:
        raise Refused(codes.ARGUMENT, f"it is no request: {error}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Refused(codes.LATE, f"no response: {type(error).__name__}: {error}", "status shows the log") from None
    finally:
        connection.close()
    shown = {name.lower(): value for name, value in response.getheaders()}
    return {"status": response.status, "headers": shown, **_body(content, shown.get("content-type", ""), is_whole)}


def received(
    response: http.client.HTTPResponse, connection: http.client.HTTPConnection, end: float, most: int = MOST_BODY
) -> tuple[bytes, bool]:
    """What came of the body by then, and whether that is all: a stream may never end."""
    content = b""
    while len(content) <= most:
        if (left := end - time.monotonic()) <= 0:
            return content, False
        if connection.sock is not None:
            connection.sock.settimeout(left)
        try:
            piece = response.read1(most)
        except TimeoutError:
            return content, False
        if not piece:
            return content, True
        content += piece
    return content[:most], False


def _body(content: bytes, kind: str, is_whole: bool) -> Answer:
    if not is_whole:
        return {"body": content.decode(errors="replace"), "cut": True}
    if "json" in kind:
        with suppress(ValueError):
            return {"body": orjson.loads(content)}
    return {"body": content.decode(errors="replace")}


def free_port() -> int:
    with socket.create_server((_HOST, 0)) as server:
        return int(server.getsockname()[1])
