"""Throw-away servers for tests: real programs in a temporary folder, on free ports, which can be killed and paused.

    @pytest.fixture(scope="session")
    def nats() -> Iterator[Nats]:
        with Nats.started() as server:
            yield server

Each caller has a server of its own, so test processes that run side by side (pytest-xdist) do not share one. What a
server holds stays in its folder over `stop`, `kill` and `start`; leaving the context deletes it.
"""

from __future__ import annotations

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Self

PATIENCE = 60.0
"""Seconds until a server that does not answer counts as broken. Generous: a loaded machine is slow."""


class Missing(RuntimeError):
    """The program of the server is not on this machine."""


class Server:
    """A server that is one process. A kind of server says its program, its arguments, and when it is ready."""

    program: ClassVar[str]
    install: ClassVar[str]
    """How to get the program, for the error."""
    patience: ClassVar[float] = PATIENCE
    """Seconds that it may take to start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = "127.0.0.1"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        """A new, running server. Raises `Missing` without the program."""
        with cls.at("127.0.0.1") as server:
            yield server

    @classmethod
    @contextmanager
    def at(cls, host: str) -> Iterator[Self]:
        """The same at another address of this machine."""
        server = cls(Path(tempfile.mkdtemp(prefix=f"octo-{cls.program}-")))
        server.host = host
        try:
            server.start()
            yield server
        finally:
            server.kill()
            shutil.rmtree(server.folder, ignore_errors=True)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def log(self) -> str:
        """What the server has printed."""
        return (self.folder / "log").read_text(errors="replace")

    def arguments(self) -> list[str]:
        """What the program is started with."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """The program with its arguments."""
        return [str(found(self.program, self.install)), *self.arguments()]

    def environment(self) -> dict[str, str]:
        """The variables it gets besides our own."""
        return {}

    def is_ready(self) -> bool:
        """Whether it serves clients. Default: it accepts a connection."""
        with socket.create_connection((self.host, self.port), timeout=1.0):
            return True

    def start(self) -> None:
        """Start the server and return once it is ready."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own arguments
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, **self.environment()},
                start_new_session=True,  # it and its children are one group, to be signalled together
            )
        until = time.monotonic() + self.patience
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{self.program} is not up: {self.log[-2000:]}")
            time.sleep(0.02)

    def _is_up(self) -> bool:
        try:
            return self.is_ready()
        except OSError:
            return False

    def stop(self) -> None:
        """Let the server end in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash does. Does nothing if it does not run."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop it where it is: nothing answers, and no connection ends."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on where it was."""
        self._signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._signal(number)
            self._process.wait(PATIENCE)
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def found(program: str, install: str) -> Path:
    """The program, beside this Python, on PATH, or in the folder of services. Raises `Missing` if there is none."""
    beside = Path(sys.executable).parent
    path = os.pathsep.join((str(beside), os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    place = shutil.which(program, path=path)
    if place is None:
        raise Missing(f"no {program} here; install it, e.g. `{install}`")
    return Path(place)


def free_port() -> int:
    """A port that nobody listens on, and that nobody but whoever asked will, also not while its server is down.

    It is below those that the system hands out to whoever connects or asks for any, and reserved among test processes.
    """
    for port in random.SystemRandom().sample(range(10_000, 32_768), 1000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            reservation = socket.socket(socket.AF_UNIX)
            try:
                reservation.bind(f"\0octo-test-port-{port}")
            except OSError:
                reservation.close()
                continue
            atexit.register(reservation.close)  # until then its name counts for all processes of the machine
            return port
    raise RuntimeError("no free port")
