"""A throw-away RabbitMQ server; see `octo.testing.servers`. It takes about ten seconds to start, so tests share one."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

from octo.testing.servers import PATIENCE, Server, found, free_port

_BESIDE = Path("/usr/lib/rabbitmq/bin")
"""The `rabbitmq-server` on Debian's PATH is a wrapper that only root and the user `rabbitmq` may run. The real one is
here."""


class RabbitMQ(Server):
    """Everything is its own: folder, cookie, ports, and the `epmd` by which nodes of Erlang find each other."""

    program = "rabbitmq-server"
    install = "apt install rabbitmq-server"
    patience = 150.0

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._names = free_port()
        self._distribution = free_port()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{self.address}/"

    def command(self) -> list[str]:
        # In one group with the server, so that it ends with it; a daemon of Erlang's own would stay for ever.
        names = f"{found('epmd', self.install)} -address 127.0.0.1 -port {self._names}"
        return ["/bin/sh", "-c", f'{names} & exec "$0"', str(self._program("rabbitmq-server"))]

    def environment(self) -> dict[str, str]:
        settings = self.folder / "rabbitmq.conf"
        settings.write_text(self.configuration())
        plugins = self.folder / "plugins"
        plugins.write_text("[].")
        return {
            "HOME": str(self.folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._names),
            "RABBITMQ_CONFIG_FILE": str(settings),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(self.folder / "features"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_NODENAME": f"rabbit{self.port}@localhost",
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
        }

    def _end(self, number: signal.Signals) -> None:
        super()._end(number)
        while self._is_up():  # what ended first is the shell around it
            time.sleep(0.01)

    def configuration(self) -> str:
        """What stands in its `rabbitmq.conf`."""
        return f"listeners.tcp.1 = {self.address}\n"

    def control(self, *arguments: str) -> str:
        """Run `rabbitmqctl`, e.g. with "close_all_connections", "as ordered"; return what it prints."""
        done = subprocess.run(  # noqa: S603  our own arguments
            [str(self._program("rabbitmqctl")), "--quiet", *arguments],
            env={**self.environment(), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {arguments[0]}: {done.stderr[-1000:]}")
        return done.stdout

    def _program(self, name: str) -> Path:
        beside = _BESIDE / name
        return beside if beside.exists() else found(name, self.install)
