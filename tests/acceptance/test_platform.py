"""The page docs/platform.md works as typed, on SQLite and on PostgreSQL, with a real platform and real deployments."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote

import httpx
import pytest

from octo.testing.postgres import PASSWORD, Postgres
from octo_platform.storage.sealing import new_key

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "platform.md").read_text()
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
START, *COMMANDS = [line.removeprefix("$ ") for block in BLOCKS for line in block.splitlines() if line.startswith("$ ")]
EMAIL, WORD = "ada@example.com", "correct horse battery"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="NOT TESTED, for want of curl: docs/platform.md")


class Platform:
    """A platform that runs. url, token: as it has printed them."""

    def __init__(self, process: subprocess.Popen[str], environment: dict[str, str], folder: Path) -> None:
        self.process, self.environment, self.folder = process, environment, folder
        shown: list[str] = []
        while "Ctrl-C stops." not in (shown or [""])[-1]:
            line = process.stdout.readline()
            assert line, (folder / "log").read_text()
            shown.append(line)
        self.url, self.token = re.search(r"(http://\S+)/setup#token=(\S+)", "".join(shown)).groups()

    def typed(self, script: str) -> subprocess.CompletedProcess[str]:
        """Let a shell in an empty folder run it."""
        place = self.folder / "elsewhere"
        place.mkdir(exist_ok=True)
        return subprocess.run(
            ["bash", "-c", script], cwd=place, env=self.environment, capture_output=True, text=True, check=False
        )

    def octo(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "octo", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def processes(self) -> list[str]:
        """The command lines of all processes that have to do with its folder."""
        found = []
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = each.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.folder / "platform") in line:
                found.append(line)
        return found


@contextmanager
def started(folder: Path, port: Callable[[], int], more: dict[str, str]) -> Iterator[Platform]:
    """What the page begins with, after the packages are installed; its ports may be taken, so others stand for them."""
    recipe = re.search(
        r"^platform:.*\n\t@scripts/setup.sh run\n\t@exec (\S+)\n\n", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert START == "make platform"
    environment = {
        **{name: os.environ[name] for name in ("LANG", "TMPDIR", "PYTHONPATH") if name in os.environ},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "HOME": str(folder / "home"),
        "OCTO_PLATFORM_FOLDER": str(folder / "platform"),
        "OCTO_PLATFORM_PORT": str(port()),
        "OCTO_PLATFORM_DATA_PORT": str(port()),
        **more,
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [ROOT / recipe[1]], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            yield Platform(process, environment, folder)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with Postgres.started() as server:
        yield f"postgresql://octo:{quote(PASSWORD, safe='')}@{server.address}/postgres"


@pytest.fixture(params=["sqlite", "postgresql"])
def platform(request, tmp_path, free_port) -> Iterator[Platform]:
    more = {}
    if request.param == "postgresql":
        place = request.getfixturevalue("postgres")
        more = {"OCTO_PLATFORM_DATABASE": place, "OCTO_PLATFORM_KEYS": new_key()}
    with started(tmp_path, free_port, more) as found:
        yield found


def test_the_page_works_as_typed(platform):
    """Each command in its order, in one shell. What is asserted of them is what the page says of them."""
    lines = []
    for command in COMMANDS:
        typed = command.replace("TOKEN-THAT-WAS-PRINTED", platform.token).replace("http://127.0.0.1:8321", platform.url)
        lines += [typed, "printf '\\n@@ %d\\n' $?"]
    done = platform.typed("\n".join(lines))
    parts = re.split(r"\n@@ (\d+)\n", done.stdout)
    shown = dict(zip(COMMANDS, parts[0::2], strict=False))
    codes = dict(zip(COMMANDS, parts[1::2], strict=False))

    log = (platform.folder / "log").read_text()
    assert {command: shown[command] for command, code in codes.items() if code != "0"} == {}, done.stderr + log
    assert len(codes) == len(COMMANDS)

    def of(part: str) -> str:
        [found] = [text for command, text in shown.items() if part in command]
        return found

    assert of("cat counted").split() == ["150", "200"]
    assert '"currency":"USD"' in of('-d \'{"item": "widget"').replace(" ", "")
    assert "order 42 of tenant acme" in of("/logs?lines=5")
    assert '"instance"' in of("/traces?limit=3")
    assert '"completed":' in of("/metrics")
    assert [each in of("/releases") for each in ('"cause":"rollback"', '"tag":"v2"', '"outcome":"ready"')] == [True] * 3
    assert "v3  running" in of("octo deploy changed.yaml")
    assert "v1  running" in of("octo rollback")
    assert "shop/dev:orders" in of("octo deployments list")
    assert of("octo secrets list").startswith("BANK_TOKEN")
    assert of("octo deployments rm").strip() == "shop/dev:orders: removed"
    assert "Traceback" not in log + done.stderr
    assert "s3cr3t-of-the-bank" not in done.stdout + done.stderr + log
    for secret in (
        WORD,
        platform.token,
        re.search(r"octo_\S{20,}", (platform.folder / "elsewhere/key.json").read_text())[0],
    ):
        assert secret.rstrip('"}') not in log


class Load:
    """Requests on connections that are kept, from several threads at once."""

    def __init__(self, url: str, threads: int = 4) -> None:
        self.url = url
        self.wrong: list[str] = []
        self.counts: dict[str, int] = {}
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._send) for _ in range(threads)]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for each in self._threads:
            each.join()

    def wait_for(self, answer: str) -> None:
        """Until somebody was answered this once more."""
        with self._changed:
            count = self.counts.get(answer, 0)
            assert self._changed.wait_for(lambda: self.counts.get(answer, 0) > count, 60), (answer, self.counts)

    def _send(self) -> None:
        with httpx.Client() as client:
            while not self._stopped.is_set():
                try:
                    answer = client.get(self.url, timeout=60)
                    text = answer.text if answer.status_code == 200 else ""
                    if answer.status_code != 200:
                        self.wrong.append(str(answer.status_code))
                except httpx.HTTPError as error:
                    text = ""
                    self.wrong.append(repr(error))
                with self._changed:
                    self.counts[text] = self.counts.get(text, 0) + 1
                    self._changed.notify_all()


FLOW = """
env: [{{name: HTTP_PORT, default: "8080"}}]
connectors: [{{name: web, type: http, settings: {{port: "${{HTTP_PORT}}"}}}}]
flows:
  - name: hello
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process: [{{type: set-payload, settings: {{value: '"{text}"'}}}}]
"""


def test_under_load_nobody_is_refused_and_all_comes_back(tmp_path, free_port):
    """Roll, restart and go back while clients send as fast as they can: each request is answered.

    Then Ctrl-C ends the deployment with the platform, and the next start brings it back at its address.
    """
    with started(tmp_path, free_port, {}) as platform:
        signed_in(platform)
        flow = tmp_path / "hello.yaml"
        flow.write_text(FLOW.format(text="one"))
        told = platform.octo("deploy", str(flow), "--to", "shop/dev", "--create", "--yes", "--tag", "v1")
        url = re.search(r"running  (http://\S+)", told)[1]
        with Load(url) as load:
            load.wait_for('"one"')
            flow.write_text(FLOW.format(text="two"))
            platform.octo("deploy", str(flow), "--to", "shop/dev", "--yes", "--tag", "v2", "--replicas", "2")
            load.wait_for('"two"')
            platform.octo("deployments", "restart", "shop/dev:hello")
            platform.octo("rollback", "shop/dev:hello", "--yes")
            load.wait_for('"one"')
        assert load.wrong == []
        assert {*load.counts} == {'"one"', '"two"'}
    assert platform.process.returncode == 0
    assert platform.processes() == []

    with ExitStack() as stack:
        arguments = [sys.executable, "-m", "octo", "platform"]
        process = stack.enter_context(
            subprocess.Popen(arguments, env=platform.environment, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(process.send_signal, signal.SIGTERM)
        assert "Octo platform" in "".join(process.stdout.readline() for _ in range(2))
        platform.octo("deployments", "restart", "shop/dev:hello")
        assert httpx.get(url).text == '"one"'
    assert process.returncode == 0
    assert platform.processes() == []


def signed_in(platform: Platform) -> None:
    """Become the administrator, and let `octo` know the platform."""
    with httpx.Client(base_url=platform.url + "/api/v1", headers={"Origin": platform.url}) as client:
        client.post("/setup", json={"token": platform.token, "email": EMAIL, "password": WORD}).raise_for_status()
        client.post("/session", json={"email": EMAIL, "password": WORD}).raise_for_status()
        key = client.post("/keys", json={"name": "test", "scopes": "all"}).raise_for_status().json()["key"]
    (platform.folder / "key").write_text(key)
    platform.octo("login", platform.url, "--key-file", str(platform.folder / "key"))
