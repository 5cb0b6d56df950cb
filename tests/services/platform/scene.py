"""A platform in a process of its own, which can be killed and started again, and the tokens of its deployments."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from octo.services.platform.address import Address, found

FLOW = "flows:\n  - name: idle\n    process: [{type: log, message: '\"hello\"'}]\n"
HERE = "/workspaces/shop"
PATIENCE = 120.0


class Platform:
    """See the module; made by `started`. data_url: where deployments reach it."""

    def __init__(self, folder: Path, ports: tuple[int, int], database: str) -> None:
        port, data_port = ports
        self.data_url = f"http://127.0.0.1:{data_port}"
        self.folder = folder
        self._api = f"http://127.0.0.1:{port}/api/v1"
        of_server = {"OCTO_PLATFORM_DATABASE": database, "OCTO_PLATFORM_KEYS": b64encode(os.urandom(32)).decode()}
        self._environment = {**os.environ, **(of_server if database else {})}
        self._command = [
            *(sys.executable, "-m", "octo", "platform", "--insecure-local", "--folder", str(folder / "platform")),
            *("--port", str(port), "--data-port", str(data_port)),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self._environment
            )
        self._until(lambda: self.ask("GET", "/health") is not None)

    def kill(self) -> None:
        """End it at once, whatever it does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self, *, thaw: bool = False) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT if thaw else signal.SIGSTOP)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.freeze(thaw=True)
            self._process.terminate()
            self._process.wait()

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> dict[str, object] | None:
        """What the API answers; None if nobody listens."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self._api + path, data, headers, method=method)
        if data is not None:
            asked.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read()) from error
        except OSError:
            assert self._process is None or self._process.poll() is None, (self.folder / "log").read_text()
            return None

    def prepare(self) -> None:
        """A workspace with an environment, and an integration with a version."""
        self.ask("POST", "/workspaces", {"name": "shop"})
        self.ask("POST", f"{HERE}/environments", {"name": "dev"})
        self.ask("POST", f"{HERE}/integrations", {"name": "idle", "files": {"idle.yaml": FLOW}})
        self.ask("POST", f"{HERE}/integrations/idle/versions", {"tag": "v1"})

    def deployed(self, slug: str) -> Address:
        """Deploy it without instances; returns what an instance would be given."""
        body = {"environment": "dev", "integration": "idle", "tag": "v1", "slug": slug, "settings": {"replicas": 0}}
        made = self.ask("POST", f"{HERE}/deployments", body)
        assert made is not None
        place = self.folder / "platform" / "deployments"

        def tokens() -> list[Path]:
            return [each for each in place.glob(f"*/{made['id']}/secrets/*/data-token") if each.stat().st_size]

        self._until(tokens)
        (token,) = tokens()
        return found({"OCTO_DATA_URL": self.data_url, "OCTO_DATA_TOKEN_FILE": str(token)})

    def remove(self, slug: str) -> None:
        self.ask("DELETE", f"{HERE}/deployments/dev:{slug}", **{"If-Match": "*"})

    def _until(self, condition) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.05)


@contextmanager
def started(folder: Path, ports: tuple[int, int], database: str = "") -> Iterator[Platform]:
    """A platform that runs and has an integration `idle`. database: on PostgreSQL; else it is a file."""
    platform = Platform(folder, ports, database)
    try:
        platform.start()
        platform.prepare()
        yield platform
    finally:
        platform.stop()
