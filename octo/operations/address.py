"""Addresses of the operations port: a host and a port, the path of a unix socket, or a socket that was lent."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from pathlib import Path
from typing import NamedTuple

DEFAULT = "127.0.0.1:39999"
VARIABLE = "OCTO_OBSERVABILITY_ADDR"
"""Environment variable with the address; the flag wins over it."""

_FORM = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.%]+)\]|(?P<host>[^:/\[\]\s]*)):(?P<port>\d{1,5})")
_BACKLOG = 64


class Address(NamedTuple):
    """Where to listen or connect. host: "" means every address of this machine. path: of a unix socket, else "".

    lent: the descriptor of a unix socket that listens already, else -1.
    """

    host: str = ""
    port: int = 0
    path: str = ""
    lent: int = -1

    @property
    def is_private(self) -> bool:
        """Whether it is a unix socket, which nobody is told of."""
        return bool(self.path) or self.lent >= 0

    def __str__(self) -> str:
        if self.is_private:
            return self.path or f"descriptor {self.lent}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(text: str) -> Address:
    """Parse `HOST:PORT`, `[IPV6]:PORT`, `:PORT` or `unix:PATH`. Raises ValueError that says what is expected."""
    if text.startswith("unix:") and text != "unix:":
        return Address(path=text.removeprefix("unix:"))
    found = _FORM.fullmatch(text)
    if found is None or int(found["port"]) > 65535:
        raise ValueError(f"{text!r} is not an address; write HOST:PORT, e.g. {DEFAULT}, or :PORT for all addresses")
    return Address(found["v6"] or found["host"], int(found["port"]))


def bind(address: Address) -> socket.socket:
    """Return a socket that listens at the address. Raises OSError.

    The file of a unix socket stays when its process ends. One that nobody listens at any more is replaced.
    """
    if address.lent >= 0:
        return _taken(address.lent)
    if address.path:
        _clear(address.path)
        return _listening(socket.socket(socket.AF_UNIX), address.path)
    found = socket.getaddrinfo(address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, resolved = found[0]
    return _listening(socket.socket(family, kind, protocol), resolved)


def _taken(descriptor: int) -> socket.socket:
    found = socket.socket(fileno=descriptor)
    found.set_inheritable(False)
    found.setblocking(False)
    return found


def _clear(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            file = Path(path)
            if file.is_socket():
                file.unlink(missing_ok=True)
        except OSError:
            return  # there is no file, or one that `bind` refuses


def _listening(fresh: socket.socket, where: object) -> socket.socket:
    try:
        if isinstance(where, str):
            # A client of the socket may change the log level, so from the first moment only the owner may open it.
            before = os.umask(0o177)
            try:
                fresh.bind(where)
            finally:
                os.umask(before)
        else:
            fresh.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            fresh.bind(where)  # type: ignore[arg-type]
        fresh.listen(_BACKLOG)
        fresh.setblocking(False)
    except BaseException:
        fresh.close()
        raise
    return fresh


def is_loopback(listening: socket.socket) -> bool:
    """Whether only this machine can reach the socket."""
    if listening.family == socket.AF_UNIX:
        return True
    return ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback
