"""A throw-away NATS server with JetStream; see `octo.testing.servers`."""

from __future__ import annotations

import urllib.request

from octo.testing.servers import Server, free_port


class Nats(Server):
    """sync_interval: always — it acknowledges what is on disk. By default JetStream acknowledges before it writes."""

    program = "nats-server"
    install = "apt install nats-server"

    @property
    def url(self) -> str:
        return f"nats://{self.address}"

    def arguments(self) -> list[str]:
        self._monitor = free_port()
        config = self.folder / "nats.conf"
        config.write_text(
            f"listen: {self.address}\nhttp: 127.0.0.1:{self._monitor}\n"
            f'jetstream {{ store_dir: "{self.folder}", sync_interval: always }}\n'
        )
        return ["-c", str(config)]

    def is_ready(self) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._monitor}/healthz", timeout=1.0) as answer:
            return bool(answer.status == 200)
