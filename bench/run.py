"""The budgets of the design, each measured as a ratio in one run: `make bench`.

A ratio compares two things on the same machine in the same minute, so it holds on other machines too. CPU time of the
server process per request does not depend on the load generator. Results go to bench/results.json.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
SECONDS = 4.0
CONNECTIONS = 32
ROUNDS = 3

BARE = """
import asyncio, sys
from granian.constants import Interfaces
from granian.server.embed import Server
import uvloop
async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'{"ok":true}'})
async def main():
    server = Server(app, address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.ASGINL, log_enabled=False)
    print("runtime ready", file=sys.stderr, flush=True)
    await server.serve()
asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main())
"""

FLOW = """
connectors: [{name: web, type: http, settings: {host: 127.0.0.1, port: %d}}]
flows:
  - name: order
    source: {connector: web, type: http, settings: {path: "/order/{id}"}}
    process:
      - {type: set-variable, settings: {name: total, value: body.price * body.count}}
      - {type: set-variable, settings: {name: tier, value: 'vars.total > 100.0 ? "gold" : "basic"'}}
      - type: if
        condition: vars.tier == "gold"
        then: [{type: set-variable, settings: {name: rush, value: 'true'}}]
      - {type: set-payload, value: '{"id": vars.id, "total": vars.total, "tier": vars.tier}'}
"""

FOREACH = """
flows:
  - name: f
    process:
      - {type: foreach, items: body, mode: map, as: a, body: [{type: set-payload, value: '{"v": vars.a.n * 2}'}]}
"""


# --- load --------------------------------------------------------------------------------------------------------


class Client(asyncio.Protocol):
    """One keep-alive connection that sends the next request as soon as the last one is answered."""

    def __init__(self, request: bytes, done: Callable[[bytes], bool]) -> None:
        self.request = request
        self.done = done
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, _, body = self.buffer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or -1)
        if length < 0 or len(body) < length:
            return
        self.buffer = b""
        if self.done(head):
            self.transport.write(self.request)  # type: ignore[attr-defined]
        else:
            self.transport.close()


async def hammer(port: int, path: str, body: bytes, seconds: float) -> int:
    """Closed-loop load for so many seconds; answers how many requests completed."""
    end = time.monotonic() + seconds
    count = 0

    def done(head: bytes) -> bool:
        nonlocal count
        assert head.startswith(b"HTTP/1.1 200"), head
        count += 1
        return time.monotonic() < end

    request = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    loop = asyncio.get_running_loop()
    clients = [
        await loop.create_connection(lambda: Client(request, done), "127.0.0.1", port) for _ in range(CONNECTIONS)
    ]
    while time.monotonic() < end + 0.5:
        await asyncio.sleep(0.1)
    for transport, _ in clients:
        transport.close()
    return count


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server:
    """A process on one CPU; the generator has the other."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        os.sched_setaffinity(self.process.pid, {0})
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if b"runtime ready" in line:
                return
        raise RuntimeError("the server did not start")

    def measure(self, port: int, path: str, body: bytes) -> tuple[float, float]:
        """CPU-ms per request and requests per second."""
        loop = asyncio.new_event_loop()
        loop.run_until_complete(hammer(port, path, body, 1.0))
        before = cpu_seconds(self.process.pid)
        count = loop.run_until_complete(hammer(port, path, body, SECONDS))
        used = cpu_seconds(self.process.pid) - before
        loop.close()
        return used / count * 1000, count / SECONDS

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def http() -> dict[str, float]:
    """A flow of four CEL blocks against a bare application on the same server library."""
    os.sched_setaffinity(0, {1} if (os.cpu_count() or 1) > 1 else {0})
    body = json.dumps({"price": 12.5, "count": 10}).encode()
    with tempfile.TemporaryDirectory() as folder:
        bare, flow = Path(folder, "bare.py"), Path(folder, "flow.yaml")
        bare.write_text(BARE)
        flow.write_text(FLOW % 18081)
        servers = (
            (Server(str(bare), "18080"), 18080, "/"),
            (Server("-m", "octo", "run", "--config", str(flow)), 18081, "/order/7"),
        )
        time.sleep(1)
        rounds = [[server.measure(port, path, body) for server, port, path in servers] for _ in range(ROUNDS)]
        for server, _, _ in servers:
            server.stop()
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    middle = [[statistics.median(each[which][figure] for each in rounds) for figure in (0, 1)] for which in (0, 1)]
    (bare_cpu, bare_rate), (octo_cpu, octo_rate) = middle
    return {
        "requests per CPU-second, flow / bare": bare_cpu / octo_cpu,
        "requests/s, flow / bare": octo_rate / bare_rate,
        "CPU-ms bare ASGI application": bare_cpu,
        "CPU-ms flow": octo_cpu,
        "requests/s bare": bare_rate,
        "requests/s flow": octo_rate,
    }


# --- in process --------------------------------------------------------------------------------------------------


def best(work: Callable[[], object], number: int, repeat: int = 7) -> float:
    """Seconds for one call: the quickest of some series, since nothing but noise makes it slower."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        for _ in range(number):
            work()
        times.append((time.perf_counter() - began) / number)
    return min(times)


def expressions() -> dict[str, float]:
    """`body.name` against the look-up itself, and a map over 1,000 records against hand-written Python."""
    from octo.core.message import Message
    from octo.core.settings import Build
    from octo.expr import compile as build

    records = [{"sku": f"s{n}", "qty": n % 7, "price": 1.5 * n} for n in range(1000)]
    message = Message({"name": "Ada", "items": records})
    scope = Build().scope()
    name = build("body.name", scope).function
    mapped = build('body.items.filter(i, i.qty > 3).map(i, {"sku": i.sku, "amount": i.price})', scope).function

    def by_hand(message: Message) -> object:
        return message.body["name"]  # type: ignore[index]

    def mapped_by_hand(message: Message) -> object:
        return [{"sku": i["sku"], "amount": i["price"]} for i in message.body["items"] if i["qty"] > 3]  # type: ignore[index]

    return {
        "body.name / dictionary look-up": best(lambda: name(message), 100_000)
        / best(lambda: by_hand(message), 100_000),
        "filter+map of 1,000 / by hand": best(lambda: mapped(message), 300)
        / best(lambda: mapped_by_hand(message), 300),
        "ns body.name": best(lambda: name(message), 100_000) * 1e9,
    }


def foreach() -> dict[str, float]:
    """Cost per item of foreach in map mode, 10,000 items against 10."""
    from octo.cli.builtin import plugins
    from octo.config.load import parse
    from octo.core.message import Message
    from octo.engine.build import build_flows
    from octo.engine.events import Bus

    config = parse(FOREACH, plugins(), {})
    flow = build_flows(config.flows.values(), {}, Bus(), lambda _: None)["f"]
    few, many = ([{"n": n} for n in range(count)] for count in (10, 10_000))
    small = best(lambda: flow.call(Message(few)), 500) / 10
    large = best(lambda: flow.call(Message(many)), 3) / 10_000
    return {"per item, 10,000 items / 10 items": large / small, "µs per item": large * 1e6}


def start() -> dict[str, float]:
    """`octo invoke` of hello-invoke against `python -c pass`."""
    octo = [sys.executable, "-m", "octo", "invoke", "--config", str(ROOT / "samples/hello-invoke.yaml")]
    octo += ["--flow", "greet", "--data", '{"name":"Ada"}']

    def seconds(command: list[str]) -> float:
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began

    bare = statistics.median(seconds([sys.executable, "-c", "pass"]) for _ in range(11))
    whole = statistics.median(seconds(octo) for _ in range(11))
    return {"ms more than `python -c pass`": (whole - bare) * 1000, "ms `python -c pass`": bare * 1000}


MEASURES = {"start": start, "expressions": expressions, "foreach": foreach, "http": http}


def main() -> None:
    results = {}
    for name in sys.argv[1:] or MEASURES:
        results[name] = MEASURES[name]()
        for what, value in results[name].items():
            print(f"{name:12} {what:40} {value:10.3f}", flush=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cpus": os.cpu_count()}
    (HERE / "results.json").write_text(json.dumps({"machine": machine, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
