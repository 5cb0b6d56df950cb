"""Fixtures that many tests ask for: components, and real `octo` processes as a user starts them."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from octo.builtin import plugins as builtin_plugins
from octo.core import secrets as secrets_module
from octo.core.log import Lines, reserve_stdout
from octo.core.plugins import Plugins
from octo.testing import servers
from octo.testing.kafka import Kafka
from octo.testing.probe import history, probe_plugins, unreachable

PATIENCE = 60.0
"""Seconds until a test gives up on a process. Generous: it never decides how long a passing test takes."""

settings.register_profile("octo", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("octo")  # how long an example takes says something about the machine only

os.environ.pop("PYTHONUNBUFFERED", None)  # it would hide that a program does not flush what it writes

# --- a secret that must never be seen ----------------------------------------------------------------------------

if "PYTEST_XDIST_WORKER" not in os.environ:  # workers inherit the one of their session
    os.environ["OCTO_CANARY_SECRET"] = f"{secrets.token_hex(16)}\"'/\\"
CANARY = os.environ["OCTO_CANARY_SECRET"][:32]
"""What is looked for: hexadecimal digits stay as they are when what follows is encoded."""

_seen: list[str] = []


def files_with_canary(folder: Path) -> Iterator[str]:
    for file in (Path(path, name) for path, _, names in os.walk(folder) for name in names):
        with contextlib.suppress(OSError):
            if file.is_file() and not file.is_symlink() and CANARY.encode() in file.read_bytes():
                yield str(file)


@pytest.fixture
def tmp_path(tmp_path):
    """The folder of a test, searched before anything may delete it."""
    yield tmp_path
    assert list(files_with_canary(tmp_path)) == [], "the canary is in these files"


def pytest_runtest_logreport(report):
    sections = [*report.sections, ("failure", report.longreprtext)]
    _seen.extend(f"{report.nodeid}: {title}" for title, text in sections if CANARY in text)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    if hasattr(session.config, "workerinput"):
        return  # the folders of the workers lie in that of the session, which gets their reports too
    _seen.extend(files_with_canary(session.config._tmp_path_factory.getbasetemp()))
    if _seen:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if _seen:
        terminalreporter.section("OCTO_CANARY_SECRET was seen", red=True)
        terminalreporter.write_line("\n".join(sorted(set(_seen))))


# --- components, processes, requests -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def plugins() -> Plugins:
    """All built-in components, and the probe."""
    return probe_plugins(builtin_plugins())


@pytest.fixture(autouse=True)
def _forget_probes():
    history.clear()
    unreachable.clear()


@pytest.fixture(autouse=True)
def _restore_logging():
    """A verb run inside the test process sets up logging for its process."""
    root, log = logging.getLogger(), logging.getLogger("octo")
    before = (root.handlers[:], root.level, log.level)
    yield
    root.handlers[:] = [each for each in root.handlers if each in before[0] or not isinstance(each, Lines)]
    root.setLevel(before[1])
    log.setLevel(before[2])
    logging.captureWarnings(False)
    reserve_stdout(False)
    secrets_module._secrets.clear()


class Octo:
    """A running `octo run`."""

    def __init__(self, arguments: list[str], environment: dict[str, str], folder: Path) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "octo", *arguments],
            env={**os.environ, **environment},
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, pattern: str, count: int = 1) -> None:
        """Until the log has `count` lines that match."""
        end = time.monotonic() + PATIENCE
        while sum(bool(re.search(pattern, line)) for line in list(self.lines)) < count:
            assert self.process.poll() is None or self._reader.is_alive() or re.search(pattern, self.log), self.log
            assert time.monotonic() < end, f"no {pattern!r} in\n{self.log}"
            time.sleep(0.01)

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Signal it and wait for its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.ended()

    def ended(self) -> int:
        """Wait for its exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stderr.close()
        return code

    def rss(self) -> int:
        """Resident memory in bytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def octo(tmp_path):
    """Start `octo` with arguments; everything started is stopped after the test."""
    running: list[Octo] = []

    def start(*arguments: str, ready: bool = True, folder: Path = tmp_path, **environment: str) -> Octo:
        process = Octo(list(arguments), environment, folder)
        running.append(process)
        if ready:
            process.wait_for("runtime ready")
        return process

    yield start
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            if process.process.poll() is None:
                # A supervisor that is killed leaves its children behind, and they our end of the pipe open.
                process.stop(signal.SIGTERM if "--processes" in process.process.args else signal.SIGKILL)
        assert CANARY not in process.log


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Returns another port with each call."""
    return servers.free_port


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    return servers.free_port()


@pytest.fixture(scope="session")
def save() -> Callable[[Path, str], None]:
    """Write a file that is watched, as editors do: nobody reads it half written."""

    def write(path: Path, text: str) -> None:
        beside = path.with_name(f"{path.name}~")
        beside.write_text(text)
        beside.replace(path)

    return write


@pytest.fixture
def http():
    """Send a request; answers (status, JSON or text)."""

    def send(url: str, data: object = None, method: str | None = None, headers: dict[str, str] | None = None):
        body = data if isinstance(data, bytes | None) else json.dumps(data).encode()
        request = urllib.request.Request(url, body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return response.status, _decoded(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _decoded(error.read())

    return send


def _decoded(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode()


@pytest.fixture
def command(tmp_path):
    """Run `octo` to its end; returns (exit code, stdout, stderr)."""

    def run(*arguments: str, input: str | None = None, folder: Path = tmp_path, **environment: str):
        done = subprocess.run(
            [sys.executable, "-m", "octo", *arguments],
            env={**os.environ, **environment},
            cwd=folder,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            check=False,  # and no limit: that of the test ends a command that hangs, also on a slow machine
        )
        assert CANARY not in done.stdout + done.stderr
        return done.returncode, done.stdout, done.stderr

    return run


# --- a server that is not on every machine -----------------------------------------------------------------------


@pytest.fixture(scope="session")
def mcp_packages() -> Path:
    """The folder with the conformance suite of MCP and a reference server, from npm; without a network a skip."""
    script = Path(__file__).parents[1] / "scripts" / "mcp-conformance.sh"
    done = subprocess.run([script, "--where"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"NOT TESTED, for want of the network: what MCP has to test with ({done.stderr.strip()[-200:]})")
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A broker of this test process; whoever pauses or kills it brings it back."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(Kafka.started())
        except servers.Missing as error:
            if shutil.which("java") and shutil.which("mvn"):
                pytest.fail(str(error))
            pytest.skip(f"NOT TESTED, for want of Java 17 and Maven: Kafka ({error})")
        yield server
