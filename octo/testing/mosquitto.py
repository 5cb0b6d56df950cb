"""A throw-away MQTT broker, Mosquitto; see `octo.testing.servers`."""

from __future__ import annotations

import signal

from octo.testing.servers import Server


class Mosquitto(Server):
    """It keeps sessions and retained messages over a restart, and writes them when it stops or is asked to (`save`)."""

    program = "mosquitto"
    install = "apt install mosquitto"

    more = ""
    """Lines for its configuration."""

    @property
    def url(self) -> str:
        return f"mqtt://{self.address}"

    def arguments(self) -> list[str]:
        config = self.folder / "mosquitto.conf"
        access = "" if "allow_anonymous" in self.more else "allow_anonymous true\n"
        config.write_text(
            f"listener {self.port} 127.0.0.1\n{access}"
            f"persistence true\npersistence_location {self.folder}/\nuser root\n"
            f"max_queued_messages 0\nmax_inflight_messages 0\n{self.more}\n"
        )
        return ["-c", str(config)]

    def save(self) -> None:
        """Let it write what it keeps."""
        self._signal(signal.SIGUSR1)
