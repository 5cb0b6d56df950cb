"""The one `octo run` of an editor: of the project as it is on the pages, unsaved texts included.

It runs a copy of the project with `--watch`, so that what pages write there is taken by the running flows. It stands
in the project itself: what flows read and write while they run, relative to the working directory, is there. Services
are in memory, so that nothing is shared with what runs elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from octo.cli.authoring import child, codes
from octo.cli.authoring.desk import in_memory
from octo.cli.authoring.refusal import Refused
from octo.cli.editing.feed import Feed
from octo.cli.editing.shadow import Shadow, Texts
from octo.core.clock import now_ns
from octo.core.secrets import masked
from octo.operations.address import Address
from octo.operations.client import Client, Unreachable

Answer = dict[str, Any]

TRACES = "sqlite:.octo/traces.db"
"""Where it keeps the traces of its messages, as `octo run` does by default; relative to the project."""
MOST_PAYLOAD = 256 << 10
"""Bytes of a body or variable that is kept."""
MOST_LINES, MOST_LINE = 2_000, 16_000
"""Lines that are kept for pages that come later, and bytes of one."""
LOOK = 1.0
"""Seconds between two looks at a process that says nothing."""
SOON = 0.1
"""Seconds for which lines of the log are gathered."""
_BOX = re.compile(r"^[╭│╰]")
"""What `octo run` prints once it is ready, for people at a terminal."""


class Line(NamedTuple):
    """A line of the log. at: as it was logged, "" for what was printed. level: of the log, or "" or `print`."""

    at: str
    level: str
    text: str
    fields: Mapping[str, object]

    def as_json(self) -> Answer:
        return self._asdict()


STOPPED: Answer = {
    "state": "stopped",
    "configuration": "",
    "generation": 0,
    "flows": [],
    "problems": [],
    "reasons": [],
    "exit": None,
    "reason": "",
}
"""What is told of a run before the first one."""


class Runner:
    """At most one process. Use it as a context manager: leaving it ends what runs.

    triggers: what brings the messages of each flow that has run. turned: set when another version of the flows runs;
    whoever waits for that clears it.
    """

    def __init__(self, root: Path, shadow: Shadow, feed: Feed, environ: Mapping[str, str]) -> None:
        self.log: deque[Line] = deque(maxlen=MOST_LINES)
        self.told: Answer = STOPPED
        self.triggers: dict[str, str] = {}
        self._root = root
        self._shadow = shadow
        self._feed = feed
        self._environ = environ
        self._texts: Texts = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Client | None = None
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self.turned = asyncio.Event()
        self._unsaid: list[Line] = []
        self._readers: list[threading.Thread] = []
        self._is_asked_to_stop = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            child.end(self._process)

    # --- what pages ask for --------------------------------------------------------------------------------------

    async def start(self, texts: Texts, configuration: str, env: Mapping[str, str]) -> Answer:
        """Start it anew, and return how it is; it goes on starting. env: further variables of the environment."""
        async with self._turn:
            await self._end()
            self._texts = texts
            await asyncio.to_thread(self._shadow.update, texts)
            socket = self._shadow.base / "operations.sock"
            self._client = Client(Address(path=str(socket)))
            arguments = _arguments(self._shadow.root / configuration, socket, in_memory(self._environ))
            environ = {**self._environ, **env}
            self._is_asked_to_stop = False
            self.log.clear()
            self._process = await asyncio.to_thread(child.spawn, arguments, self._root, environ)
            for stream, hear in ((self._process.stderr, self._logged), (self._process.stdout, self._printed)):
                told = partial(self._hear, self._process, hear)
                reader = threading.Thread(target=child.hear, args=(stream, told, MOST_LINE), daemon=True)
                self._readers.append(reader)
                reader.start()
            self._tell({**STOPPED, "state": "starting", "configuration": configuration, "started": now_ns() // 10**6})
            self._news.set()
            return self.told

    async def update(self, texts: Texts | None = None) -> None:
        """Let it take other texts; without any, what was saved meanwhile."""
        if self.is_running:
            self._texts = self._texts if texts is None else texts
            await asyncio.to_thread(self._shadow.update, self._texts)

    async def stop(self) -> Answer:
        """End it."""
        async with self._turn:
            await self._end()
            return self.told

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def ask(self, method: str, path: str, value: object = None) -> Any:
        """What the operations port of the process answers. Raises `Refused`."""
        if self._client is None or not self.is_running:
            raise Refused(codes.RUN, "nothing runs", "run the flows first")
        try:
            reply = await self._client.ask(method, path, value)
        except Unreachable as error:
            raise Refused(codes.RUN, f"it does not answer: {error}", "wait until it is ready") from None
        if reply.status >= 400:
            raise Refused(codes.RUN, reply.body.decode(errors="replace").strip())
        return reply.json()

    # --- what it does --------------------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Tell pages how it is, and what it logs, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK if self.told["state"] in ("starting", "running") else None):
                    await self._news.wait()
                    self._news.clear()
                    await asyncio.sleep(SOON)
            self._say()
            await self._look()

    async def changes(self, path: str) -> AsyncGenerator[Any, None]:
        """Yield each line that a path of its operations port streams, from whatever process runs, until cancelled."""
        while True:
            if self._client is None or not self.is_running or self.told["state"] != "running":
                await asyncio.sleep(SOON)
                continue
            with suppress(Unreachable):
                async with self._client.stream("GET", path) as (status, pieces):
                    if status == 200:
                        async with aclosing(_lines(pieces)) as lines:
                            async for line in lines:
                                yield json.loads(line)
            await asyncio.sleep(SOON)

    def _hear(self, process: subprocess.Popen[bytes], read: Callable[[str], Line | None], text: str) -> None:
        if (line := read(text)) is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._take, process, line)

    def _take(self, process: subprocess.Popen[bytes], line: Line) -> None:
        if process is self._process:
            self.log.append(line)
            self._unsaid.append(line)
            self._news.set()

    def _say(self) -> None:
        if self._unsaid:
            lines, self._unsaid = self._unsaid[-MOST_LINES:], []
            self._feed.tell("log", {"lines": [each.as_json() for each in lines]})

    async def _look(self) -> None:
        if self._process is None:
            return
        code = self._process.poll()
        if code is not None:
            await self._hear_out()
            self._tell({**self.told, **self._ended(code)})
            return
        with suppress(Refused):
            status, flows = await self.ask("GET", "/status"), await self.ask("GET", "/flows")
            self.triggers.update((str(each["name"]), _trigger(each["source"] or {})) for each in flows)
            self._tell({**self.told, **self._running(status, flows)})

    async def _hear_out(self) -> None:
        """Wait for the rest of its log; what it has started may hold that open."""
        readers, self._readers = self._readers, []
        for each in readers:
            await asyncio.to_thread(each.join, LOOK)
        await asyncio.sleep(0)
        self._say()

    def _running(self, status: Answer, flows: list[Answer]) -> Answer:
        generation = status["generation"]
        refused = status["refused"] or {"problems": []}
        return {
            "state": "running" if generation else "starting",
            "generation": generation["number"] if generation else 0,
            "flows": [_flow(each) for each in flows],
            "problems": [self._problem(each) for each in refused["problems"]],
            "reasons": status["reasons"],
        }

    def _ended(self, code: int) -> Answer:
        if self._is_asked_to_stop or code == 0:
            return {"state": "stopped", "exit": code, "reason": "", "flows": []}
        last = [each.text for each in self.log if each.level in ("", "error")][-20:]
        why = f"it was killed by signal {-code}" if code < 0 else f"it ended with exit code {code}"
        return {"state": "failed", "exit": code, "reason": "\n".join([why, *last]), "flows": []}

    def _problem(self, problem: Answer) -> Answer:
        known = {"code": "", "file": "", "line": 0, "column": 0, "message": "", "hint": ""}
        return {**known, **{name: self._plain(each) for name, each in problem.items() if name in known}}

    def _plain(self, value: Any) -> Any:
        """A text without the place of the copy."""
        return value.replace(f"{self._shadow.root}/", "") if isinstance(value, str) else value

    def _tell(self, told: Answer) -> None:
        if told != self.told:
            if told["generation"] != self.told["generation"]:
                self.turned.set()
            self.told = told
            self._feed.tell("run", told)

    async def _end(self) -> None:
        if self._process is not None:
            self._is_asked_to_stop = True
            process = self._process
            await asyncio.to_thread(child.end, process)
            await self._hear_out()
            self._tell({**self.told, **self._ended(process.returncode)})

    # --- its log -------------------------------------------------------------------------------------------------

    def _logged(self, text: str) -> Line:
        text = self._plain(text)
        with suppress(ValueError):
            found = json.loads(text)
            if isinstance(found, dict) and "level" in found:
                fields = {name: each for name, each in found.items() if name not in ("time", "level", "msg")}
                return Line(str(found.get("time", "")), str(found["level"]).lower(), str(found.get("msg", "")), fields)
        return Line("", "", masked(text), {})

    def _printed(self, text: str) -> Line | None:
        return None if _BOX.match(text) else Line("", "print", masked(self._plain(text)), {})


def _arguments(path: Path, socket: Path, services: str) -> list[str]:
    return [
        *("run", "--watch", "--debug", "--allow-empty", "--log-format", "json", "--drain", "5"),
        *("--traces", "--traces-store", TRACES, "--traces-max-payload", str(MOST_PAYLOAD)),
        *("--services", services, "--admin-addr", f"unix:{socket}", "--", str(PurePosixPath(path))),
    ]


def _flow(flow: Answer) -> Answer:
    source = flow["source"] or {}
    return {
        "name": flow["name"],
        "type": source.get("type"),
        "connector": source.get("connector"),
        "url": source.get("url"),
        "methods": source.get("methods", []),
    }


def _trigger(source: Answer) -> str:
    """What brings the messages of a source, in a few words."""
    if source.get("url"):
        path = urlsplit(str(source["url"])).path
        return f"{', '.join(source['methods']) or 'any'} {path}"
    return str(source.get("type", ""))


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            if line:
                yield line
