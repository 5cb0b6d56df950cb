"""A throw-away Redis server; see `octo.testing.servers`."""

from __future__ import annotations

import socket
import time
from typing import ClassVar

from octo.testing.servers import Server

PASSWORD = "p@ss/w:rd 123"  # noqa: S105  awkward on purpose: it must be escaped in a URL


class Redis(Server):
    """appendonly, appendfsync always: it acknowledges what is on disk. By default Redis loses up to minutes of writes.

    settings: what is changed from there, e.g. `{"maxmemory": "10mb"}`; takes effect when the server starts.
    """

    program = "redis-server"
    install = "apt install redis-server"
    defaults: ClassVar[dict[str, str]] = {"appendonly": "yes", "appendfsync": "always", "save": ""}
    settings: dict[str, str] = {}  # noqa: RUF012  replaced, never changed

    @property
    def url(self) -> str:
        """Without a password: the server has none unless `settings` say so."""
        return f"redis://{self.address}/0"

    def arguments(self) -> list[str]:
        fixed = {"bind": "127.0.0.1", "port": str(self.port), "dir": str(self.folder), "daemonize": "no"}
        given = {**self.defaults, **fixed, **self.settings}
        return [each for name, value in given.items() for each in (f"--{name}", value)]

    def is_ready(self) -> bool:
        return self.ask("PING")[:5] in (b"+PONG", b"-NOAU")  # also not before it has read its file

    def ask(self, *command: str) -> bytes:
        """The server's reply to a command, as it comes over the wire; at most 64 KiB that come at once."""
        line = b"*%d\r\n" % len(command) + b"".join(
            b"$%d\r\n%b\r\n" % (len(each.encode()), each.encode()) for each in command
        )
        with socket.create_connection(("127.0.0.1", self.port), timeout=5.0) as link:
            link.sendall(line)
            time.sleep(0)
            return link.recv(65536)
