"""What goes wrong, each at its own interval, until the end."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.soak.callers import Findings
from octo.testing.postgres import Postgres

TEXT = Path(__file__).with_name("flows.yaml").read_text()
RESET = struct.pack("ii", 1, 0)
AWAY = 3.0
"""Seconds without a database at each of its restarts."""


class Faults:
    """Causes faults and counts them.

    supervisor: the process of `octo run`. path: its configuration. port: where it listens.
    """

    def __init__(self, supervisor: int, path: Path, port: int, postgres: Postgres, findings: Findings) -> None:
        self.counts: Counter[str] = Counter()
        self._supervisor = supervisor
        self._path = path
        self._port = port
        self._postgres = postgres
        self._findings = findings

    async def go_on(self, stop: asyncio.Event) -> None:
        """Cause faults until `stop`."""
        async with asyncio.TaskGroup() as group:
            for seconds, fault in (
                (7, self._edit),
                (31, self._bad_edit),
                (3, self._cut),
                (47, self._kill),
                (83, self._restart_database),
            ):
                group.create_task(_every(seconds, fault, stop))

    async def _edit(self) -> None:
        edit = max(self._findings.edits) + 1
        self._findings.edits.add(edit)
        save(self._path, edit)
        self.counts["edits"] += 1

    async def _bad_edit(self) -> None:
        """Half a file, an empty one, or one with an error; the next edit makes it good again."""
        text = TEXT.replace("EDIT", "0")
        self._path.write_text(random.choice((text[: len(text) // 2], "", text.replace("type: sql", "type: sqk"))))
        self.counts["bad edits"] += 1

    async def _cut(self) -> None:
        """Callers that leave in the middle of their request, or of the answer."""
        for _ in range(10):
            with socket.create_connection(("127.0.0.1", self._port), timeout=5) as caller:
                request = b'POST /sum/1 HTTP/1.1\r\nHost: soak\r\nContent-Length: 15\r\n\r\n{"items":[1,2]}'
                caller.sendall(request[: random.randrange(1, len(request) + 1)])
                caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.counts["cut connections"] += 10

    async def _kill(self) -> None:
        """The youngest worker; the oldest lives for ever, so that its size can be watched."""
        *_, youngest = workers(self._supervisor)
        os.kill(youngest, signal.SIGKILL)
        self.counts["killed workers"] += 1

    async def _restart_database(self) -> None:
        self._findings.database_back = float("inf")
        await asyncio.to_thread(self._postgres.stop, random.choice(("fast", "immediate")))
        await asyncio.sleep(AWAY)
        await asyncio.to_thread(self._postgres.start)
        self._findings.database_back = asyncio.get_running_loop().time()
        self.counts["restarts of PostgreSQL"] += 1


async def _every(seconds: float, fault: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            await fault()


def save(path: Path, edit: int) -> None:
    """Write the configuration of this edit as an editor does: beside it, then renamed."""
    unfinished = path.with_suffix(".part")
    unfinished.write_text(TEXT.replace("EDIT", str(edit)))
    unfinished.rename(path)


def workers(supervisor: int) -> list[int]:
    """The processes that the supervisor started, the oldest first."""
    children: list[int] = []
    for task in Path(f"/proc/{supervisor}/task").iterdir():
        children += map(int, (task / "children").read_text().split())
    return sorted(children, key=_started)


def _started(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
