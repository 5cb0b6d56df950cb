"""Addresses of this machine: bind one so that nobody else can, and say which process has it if it is taken."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

_PROC = Path("/proc")
_LISTENS = "0A"
"""The state of a listening socket in /proc/net/tcp."""


class Resolved(NamedTuple):
    """An address as the operating system takes it. where: host, port, and for IPv6 two more numbers."""

    family: int
    protocol: int
    where: Any


def bound(address: Resolved, backlog: int, group: Literal["", "founds", "joins"] = "") -> socket.socket:
    """Return a socket that listens at the address. Raises OSError if the address is taken, or not ours.

    group: "" for a socket that shares the address with no other. Several may share it if all belong to this user: the
    first `founds` the group, and fails if there is any other socket; the others `joins`, which must not be asked
    before, since it would succeed beside sockets of a group of somebody else.
    """
    fresh = socket.socket(address.family, socket.SOCK_STREAM, address.protocol)
    try:
        fresh.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
        fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        if group == "joins":
            fresh.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, True)
        fresh.bind(address.where)
        if group == "founds":
            fresh.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, True)
        fresh.listen(backlog)
    except BaseException:
        fresh.close()
        raise
    return fresh


def holder(port: int) -> str:
    """Return which process listens at the TCP port, e.g. `process 4711 (python)`; "" where this cannot be found out.

    Of several that have the socket it is the oldest: the others are its children.
    """
    with suppress(OSError):
        if sockets := set(_listening(port)):
            for pid in sorted(int(each.name) for each in _PROC.iterdir() if each.name.isdecimal()):
                if _has_one(pid, sockets):
                    return f"process {pid} ({(_PROC / str(pid) / 'comm').read_text().strip()})"
    return ""


def _listening(port: int) -> list[str]:
    found = []
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                if state == _LISTENS and int(local.rpartition(":")[2], 16) == port:
                    found.append(f"socket:[{rest[5]}]")
    return found


def _has_one(pid: int, sockets: set[str]) -> bool:
    with suppress(OSError):  # another user's process, or one that has just ended
        for each in (_PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                if str(each.readlink()) in sockets:
                    return True
    return False
