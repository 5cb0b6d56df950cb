"""The one `octo run` that an assistant may start: its log, its addresses, and its end.

It ends with the server however that ends: it reads a pipe whose other end is here (`leash.py`).
"""

from __future__ import annotations

import asyncio
import http.client
import re
import signal
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self

import orjson

from octo.cli.authoring import codes
from octo.cli.authoring.refusal import Refused
from octo.core.bounded import bounded

Answer = dict[str, object]

READY = re.compile(r"runtime ready")
START, STOP = 30.0, 15.0
"""Seconds to start and to stop."""
MOST_LINES = 200
MOST_LINE = 2_000
SHOWN = 40
"""Lines of the log in an answer."""
MOST_BODY = 64 << 10
"""Bytes of a response in an answer."""
_HOST = "127.0.0.1"
_NONE = "nothing runs"


class Started(NamedTuple):
    """A process, and what it serves: the port of each http connector."""

    process: asyncio.subprocess.Process
    servers: Mapping[str, int]
    path: str
    is_ready: asyncio.Event
    log: deque[str]
    reader: asyncio.Task[None]


class Running:
    """At most one process. Use `open`."""

    def __init__(self, root: Path, environ: Mapping[str, str], tasks: asyncio.TaskGroup) -> None:
        self._root = root
        self._environ = environ
        self._tasks = tasks
        self._started: Started | None = None
        self._turn = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, root: Path, environ: Mapping[str, str]) -> AsyncIterator[Self]:
        """A context that ends what runs when it is left."""
        async with asyncio.TaskGroup() as tasks:
            found = cls(root, environ, tasks)
            try:
                yield found
            finally:
                await found._end()

    async def start(self, path: str, stubs: Sequence[str], servers: Mapping[str, int], services: str) -> Answer:
        """Start it, and wait until its flows run. servers: the port of each http connector, 0 for a free one."""
        async with self._turn:
            if self._started is not None and self._started.process.returncode is None:
                raise Refused(codes.RUN, f"{self._started.path!r} runs already", "it takes edits by itself; or stop it")
            await self._end()
            ports = {name: port or free_port() for name, port in servers.items()}
            self._started = started = await self._spawn(path, stubs, ports, services)
            gone = self._tasks.create_task(started.process.wait())
            ready = self._tasks.create_task(started.is_ready.wait())
            await asyncio.wait([gone, ready], timeout=START, return_when=asyncio.FIRST_COMPLETED)
            is_ready = started.is_ready.is_set()
            ready.cancel()
            gone.cancel()
            if not is_ready and started.process.returncode is not None:
                await asyncio.wait([started.reader], timeout=STOP)
            return self.status()

    async def _spawn(self, path: str, stubs: Sequence[str], ports: Mapping[str, int], services: str) -> Started:
        moved = ["--port", str(next(iter(ports.values())))] if len(ports) == 1 else []
        options = ["--watch", "--traces", "--admin-addr", "off", "--services", services, "--drain", "5"]
        named = [part for each in stubs for part in ("--stubs", each)]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "octo.cli.authoring.leash", "run", *options, *moved, *named, "--", path),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._root,
            env=self._environ,
            start_new_session=True,
        )
        log: deque[str] = deque(maxlen=MOST_LINES)
        is_ready = asyncio.Event()
        assert process.stderr is not None
        reader = self._tasks.create_task(_read(process.stderr, log, is_ready))
        return Started(process, dict(ports), path, is_ready, log, reader)

    async def stop(self) -> Answer:
        """End it."""
        async with self._turn:
            if self._started is None:
                raise Refused(codes.RUN, _NONE, "run starts the flows")
            await self._end()
            return self.status()

    async def _end(self) -> None:
        if (started := self._started) is None:
            return
        process = started.process
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.stdin is not None:
            process.stdin.close()
        _, pending = await asyncio.wait([started.reader], timeout=1.0)
        for each in pending:  # what it has started may hold the log open
            each.cancel()

    def status(self) -> Answer:
        """How it is."""
        if (started := self._started) is None:
            return {"state": "stopped", "log": []}
        code = started.process.returncode
        state = "stopped" if code is not None else "running" if started.is_ready.is_set() else "starting"
        urls = {name: f"http://{_HOST}:{port}" for name, port in started.servers.items()}
        serving = {"servers": urls} if code is None else {"exit": code}
        return {"state": state, "path": started.path, **serving, "log": list(started.log)[-SHOWN:]}

    async def request(
        self, method: str, path: str, headers: Mapping[str, str], body: object, server: str, timeout: float
    ) -> Answer:
        """Send a request to one of its servers, and to no other."""
        started = self._started
        if started is None or started.process.returncode is not None:
            raise Refused(codes.RUN, _NONE, "run starts the flows")
        if not server and len(started.servers) == 1:
            [server] = started.servers
        if server not in started.servers:
            listed = ", ".join(started.servers) or "none"
            raise Refused(codes.MISSING, f"there is no HTTP server {server!r}", f"servers: {listed}")
        return await asyncio.to_thread(_sent, started.servers[server], method, path, headers, body, timeout)


async def _read(stream: asyncio.StreamReader, log: deque[str], is_ready: asyncio.Event) -> None:
    """Keep the end of the log."""
    rest = b""
    while piece := await stream.read(1 << 16):
        *lines, rest = (rest + piece).split(b"\n")
        rest = rest[-MOST_LINE:]
        for each in lines:
            line = bounded(each.decode(errors="replace"), MOST_LINE)
            log.append(line)
            if READY.search(line):
                is_ready.set()


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
        content = response.read(MOST_BODY + 1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Refused(codes.LATE, f"no response: {type(error).__name__}: {error}", "status shows the log") from None
    finally:
        connection.close()
    shown = {name.lower(): value for name, value in response.getheaders()}
    return {"status": response.status, "headers": shown, **_body(content, shown.get("content-type", ""))}


def _body(content: bytes, kind: str) -> Answer:
    if len(content) > MOST_BODY:
        return {"body": content[:MOST_BODY].decode(errors="replace"), "cut": True}
    if "json" in kind:
        with suppress(ValueError):
            return {"body": orjson.loads(content)}
    return {"body": content.decode(errors="replace")}


def free_port() -> int:
    with socket.create_server((_HOST, 0)) as server:
        return int(server.getsockname()[1])
