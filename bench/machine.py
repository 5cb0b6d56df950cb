"""The machine: which CPU serves what, the environment of processes, and what a reader of figures must know of it."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLOWS = ROOT / "bench" / "flows"
PEERS = ROOT / "bench" / ".peers"

CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, OTHER_CPU = CPUS[0], CPUS[-1]
"""The server has one CPU; the generator, back ends and databases share another, so neither slows the other."""

PACKAGES = ("httptools", "granian", "uvloop", "aiohttp", "asyncpg", "orjson", "pydantic", "google-re2")


def environment(**more: str) -> dict[str, str]:
    """The environment of measured processes: they may write and use compiled modules, as on a user's machine."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**inherited, "PYTHONPATH": str(ROOT), **more}


def compiled() -> None:
    """Compile all modules beforehand: the time of a start must not include what happens only once."""
    command = [sys.executable, "-m", "compileall", "-q", str(ROOT / "octo"), str(ROOT / "bench" / "bare.py")]
    subprocess.run(command, env=environment(), check=True)


def free_port() -> int:
    """A port on which no process listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def pinned() -> Iterator[None]:
    """Run this process on the server's CPU, for what is measured inside it."""
    os.sched_setaffinity(0, {SERVER_CPU})
    try:
        yield
    finally:
        os.sched_setaffinity(0, CPUS)


def description() -> dict[str, str]:
    """The machine and the versions, as a table."""
    return {
        "processor": f"{_processor()}, {len(CPUS)} CPUs",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "Python": platform.python_version(),
        "Octo": _commit(),
        **{name: metadata.version(name) for name in PACKAGES},
    }


def load_average() -> str:
    """The load average of the machine, which includes the suite."""
    return " ".join(f"{each:.2f}" for each in os.getloadavg())


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _commit() -> str:
    """The commit, and whether the measured code differs from it."""
    git = ["git", "-C", str(ROOT)]
    name = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    same = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "octo"], capture_output=True, check=False)
    return (name.stdout.strip() or "unknown") + (" with changes" if same.returncode else "")
