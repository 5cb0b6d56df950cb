"""Load over HTTP, from a process of its own on the CPU that the server does not use.

There are two models, which answer different questions and never share a table. Closed: so many connections, each sends
the next request as soon as it has an answer; that finds the throughput at saturation. Open: requests come by a schedule
whether or not the earlier ones are answered, and the time of each counts from when it was due; that finds the latency
that users see.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

from bench.figures import quantile
from bench.machine import OTHER_CPU, environment
from bench.process import Process, cpu_seconds

GRACE = 10.0
"""Seconds after the window in which requests of the open model may still be answered."""


@dataclass(frozen=True)
class Request:
    """The request that the generator repeats."""

    path: str
    body: str = ""
    method: str = "POST"
    content_type: str = "application/json"

    def wire(self) -> bytes:
        body = self.body.encode()
        head = f"{self.method} {self.path} HTTP/1.1\r\nHost: bench\r\n"
        if body:
            head += f"Content-Type: {self.content_type}\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + b"\r\n" + body


@dataclass
class Result:
    """Counts and milliseconds of one window.

    lost: requests that were sent and never answered. unsent: requests that were due, but found no free connection.
    behind: the longest delay of the generator itself. The last two exist in the open model only.
    """

    seconds: float = 0.0
    done: int = 0
    rate: float = 0.0
    cpu_ms: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    longest: float = 0.0
    offered: int = 0
    lost: int = 0
    unsent: int = 0
    behind: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """Requests that were not answered with 200."""
        return self.lost + self.unsent + sum(count for status, count in self.statuses.items() if status != "200")


def closed(process: Process, request: Request, connections: int, seconds: float, warm: float = 1.0) -> Result:
    """The closed model: so many connections, each always waiting for one answer."""
    return _run(process, request, {"connections": connections, "rate": 0.0, "seconds": seconds, "warm": warm})


def opened(
    process: Process, request: Request, rate: float, seconds: float, warm: float = 1.0, connections: int = 512
) -> Result:
    """The open model: so many requests per second. One that finds no free connection waits, and its time runs."""
    return _run(process, request, {"connections": connections, "rate": rate, "seconds": seconds, "warm": warm})


def started(process: Process, request: Request, rate: float, seconds: float, connections: int = 512) -> Generator:
    """The open model in the background."""
    return Generator(process, request, {"connections": connections, "rate": rate, "seconds": seconds, "warm": 0.0})


def _run(process: Process, request: Request, plan: dict[str, float]) -> Result:
    return Generator(process, request, plan).result()


class Generator:
    """The other process."""

    def __init__(self, process: Process, request: Request, plan: dict[str, float]) -> None:
        command = ["taskset", "-c", str(OTHER_CPU), sys.executable, "-m", "bench.load"]
        self.popen = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), text=True
        )
        assert self.popen.stdin is not None
        json.dump({"port": process.port, "pid": process.pid, "request": asdict(request), **plan}, self.popen.stdin)
        self.popen.stdin.close()
        self.popen.stdin = None

    @property
    def is_running(self) -> bool:
        return self.popen.poll() is None

    def result(self) -> Result:
        said, _ = self.popen.communicate()
        if self.popen.returncode:
            raise RuntimeError("the load generator failed")
        return Result(**json.loads(said))


# --- in the other process ----------------------------------------------------------------------------------------


class Connection(asyncio.Protocol):
    """One keep-alive connection, which reports every answer to its `owner`."""

    def __init__(self, owner: Load) -> None:
        self.owner = owner
        self.buffer = b""
        self.due = 0.0
        self.busy = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def ask(self, due: float) -> None:
        self.due = due
        self.busy = True
        self.transport.write(self.owner.wire)

    def data_received(self, data: bytes) -> None:
        data = self.buffer + data if self.buffer else data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + _length(data, end):
            self.buffer = data
            return
        self.buffer = b""
        self.busy = False
        self.owner.answered(self, data[9:12])

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the protocol's parameter
        self.owner.left(self)


def _length(data: bytes, end: int) -> int:
    place = data[:end].lower().find(b"content-length:")
    return int(data[place + 15 : data.find(b"\r\n", place)]) if place >= 0 else 0


class Load:
    """One window of load. `pending` holds the times of requests that were due while no connection was free."""

    def __init__(self, port: int, pid: int, request: Request, connections: int, rate: float) -> None:
        self.port = port
        self.pid = pid
        self.wire = request.wire()
        self.connections = connections
        self.rate = rate
        self.since = self.until = float("inf")
        self.idle: list[Connection] = []
        self.count = 0
        self.pending: deque[float] = deque()
        self.times: list[float] = []
        self.statuses: Counter[bytes] = Counter()
        self.offered = self.lost = self.unsent = self.in_window = 0
        self.behind = 0.0
        self.over = False

    async def run(self, seconds: float, warm: float) -> Result:
        loop = asyncio.get_running_loop()
        for _ in range(self.connections if not self.rate else min(self.connections, 32)):
            await self._connect()
        self.since = perf_counter() + warm
        self.until = self.since + seconds
        watch = loop.create_task(self._watch()) if self.pid else None
        await (self._scheduled() if self.rate else self._closed())
        used = await watch if watch else 0.0
        return self._result(seconds, used)

    async def _connect(self) -> None:
        self.count += 1
        try:
            _, made = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self), "127.0.0.1", self.port
            )
        except OSError:
            self.count -= 1
            self.lost += bool(self.pending)
            if self.pending:
                self.pending.popleft()
            return
        self._free(made)

    async def _watch(self) -> float:
        """CPU seconds of the server in the window."""
        await asyncio.sleep(self.since - perf_counter())
        before = cpu_seconds(self.pid)
        await asyncio.sleep(self.until - perf_counter())
        return cpu_seconds(self.pid) - before

    async def _closed(self) -> None:
        for each in self.idle:
            each.ask(perf_counter())
        await asyncio.sleep(self.until - perf_counter())
        self.over = True

    async def _scheduled(self) -> None:
        """Send the requests that are due, every millisecond, whether or not the earlier ones are answered."""
        began, sent = perf_counter(), 0
        async with asyncio.TaskGroup() as opening:
            while (now := perf_counter()) < self.until:
                while (due := began + sent / self.rate) <= now:
                    self._offer(due, opening)
                    self.behind = max(self.behind, now - due)
                    sent += 1
                await asyncio.sleep(0.001)
        end = perf_counter() + GRACE
        while (len(self.idle) < self.count or self.pending) and perf_counter() < end:
            await asyncio.sleep(0.01)
        self.over = True
        self.lost += self.count - len(self.idle)
        self.unsent = len(self.pending)

    def _offer(self, due: float, opening: asyncio.TaskGroup) -> None:
        self.offered += due >= self.since
        if self.idle:
            self.idle.pop().ask(due)
            return
        self.pending.append(due)
        if self.count < self.connections:
            opening.create_task(self._connect())

    def answered(self, connection: Connection, status: bytes) -> None:
        now = perf_counter()
        if connection.due >= self.since:
            self.statuses[status] += 1
            self.times.append(now - connection.due)
        if self.since <= now < self.until:
            self.in_window += 1
        if self.over:
            return
        if self.rate:
            self._free(connection)
        else:
            connection.ask(now)

    def _free(self, connection: Connection) -> None:
        if self.pending:
            connection.ask(self.pending.popleft())
        else:
            self.idle.append(connection)

    def left(self, connection: Connection) -> None:
        """A connection that closes while it waits has lost its request; the closed model opens another."""
        if self.over:
            return
        self.count -= 1
        self.lost += connection.busy
        if connection in self.idle and self.rate:
            self.idle.remove(connection)

    def _result(self, seconds: float, used: float) -> Result:
        times = sorted(each * 1000 for each in self.times)
        return Result(
            seconds=seconds,
            done=self.in_window,
            rate=self.in_window / seconds,
            cpu_ms=used * 1000 / max(1, self.in_window),
            p50=quantile(times, 0.5),
            p95=quantile(times, 0.95),
            p99=quantile(times, 0.99),
            longest=times[-1] if times else 0.0,
            offered=self.offered,
            lost=self.lost,
            unsent=self.unsent,
            behind=self.behind * 1000,
            statuses={status.decode(): count for status, count in self.statuses.items()},
        )


def main() -> None:
    """`python -m bench.load` with the plan on standard input."""
    import uvloop

    plan: dict[str, Any] = json.load(sys.stdin)
    gc.disable()
    load = Load(plan["port"], plan["pid"], Request(**plan["request"]), int(plan["connections"]), plan["rate"])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(load.run(plan["seconds"], plan["warm"])))))


if __name__ == "__main__":
    main()
