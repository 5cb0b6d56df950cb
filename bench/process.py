"""A measured process: it runs on one CPU, counts with all its descendants, and is always stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.machine import FLOWS, OTHER_CPU, ROOT, SERVER_CPU, environment, free_port

PATIENCE = 30.0
TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """A child process that listens on `port`; its stderr goes to a file."""

    def __init__(self, command: list[str], port: int, *, cpu: int = SERVER_CPU, says: str = "", **env: str) -> None:
        self.port = port
        self._says = says
        self._said = tempfile.NamedTemporaryFile(prefix="octo-bench-")  # noqa: SIM115  lives as long as the process
        self.popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            env=environment(**env),
            cwd=ROOT,
            preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),  # noqa: PLW1509  before its threads are made
        )
        self.pid = self.popen.pid

    def ready(self) -> None:
        """Return once it accepts connections, and has written the line that says so."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.popen.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0 and self._says in self.said():
                    return
            time.sleep(0.005)
        raise RuntimeError(f"{self.popen.args} does not listen on {self.port}:\n{self.said()[-2000:]}")

    def said(self) -> str:
        """Everything it wrote to stderr."""
        return Path(self._said.name).read_text(errors="replace")

    def stop(self) -> None:
        """End it; kill it if it does not end by itself."""
        self.popen.terminate()
        try:
            self.popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self._said.close()


@contextmanager
def running(process: Process) -> Iterator[Process]:
    """The process, once it is ready; leaving the context stops it."""
    try:
        process.ready()
        yield process
    finally:
        process.stop()


def octo(config: Path | str, *options: str, **env: str) -> Process:
    """`octo run` with a flow file: a path, or the name of a file in `bench/flows`."""
    port = free_port()
    path = FLOWS / config if isinstance(config, str) else config
    command = [sys.executable, "-m", "octo", "run", "--quiet", "--config", str(path), *options]
    return Process(command, port, says="runtime ready", HTTP_PORT=str(port), **env)


def script(name: str, *arguments: str, cpu: int = SERVER_CPU) -> Process:
    """One of the small servers beside this file, whose first argument is its port."""
    port = free_port()
    return Process([sys.executable, "-m", f"bench.{name}", str(port), *arguments], port, cpu=cpu)


def backend(milliseconds: int = 70, size: int = 1024) -> Process:
    """The slow back end of 005, on another CPU than the server."""
    return script("backend", str(milliseconds), str(size), cpu=OTHER_CPU)


# --- what the kernel counts --------------------------------------------------------------------------------------


def family(pid: int) -> list[int]:
    """The process and its descendants."""
    found = [pid]
    for each in found:
        try:
            for task in Path(f"/proc/{each}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and its descendants so far."""
    return sum(_cpu_ticks(each) for each in family(pid)) / TICKS


def _cpu_ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def memory(pid: int) -> tuple[float, float]:
    """PSS and RSS of the process and its descendants in MB. PSS divides pages among the processes that share them."""
    pss = rss = 0
    for each in family(pid):
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        sizes = {line.partition(":")[0]: line.split()[1] for line in lines[1:]}
        pss += int(sizes.get("Pss", 0))
        rss += int(sizes.get("Rss", 0))
    return pss / 1024, rss / 1024
