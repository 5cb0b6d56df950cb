"""A throw-away NATS server with JetStream; see `octo.testing.servers`."""

from __future__ import annotations

import urllib.request
from typing import ClassVar

from octo.testing.servers import Server, free_port


class Nats(Server):
    """A server that takes messages of 8 MB: values of services need more than the default."""

    program = "nats-server"
    install = "apt install nats-server"
    sync: ClassVar[str] = "always"
    """How often it syncs: `always` before it acknowledges, or after a time such as `2m`, which is its default."""

    @property
    def url(self) -> str:
        return f"nats://{self.address}"

    def settings(self) -> str:
        """What its file says beside its addresses."""
        return f'max_payload: 8MB\njetstream {{ store_dir: "{self.folder}", sync_interval: {self.sync} }}\n'

    def arguments(self) -> list[str]:
        self._monitor = free_port()
        config = self.folder / "nats.conf"
        config.write_text(f"listen: {self.address}\nhttp: 127.0.0.1:{self._monitor}\n{self.settings()}")
        return ["-c", str(config)]

    def is_ready(self) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._monitor}/healthz", timeout=1.0) as answer:
            return bool(answer.status == 200)
