"""A network of this machine's own: a hub and hosts, each in a network namespace, and links that can be cut.

Nothing of it is in the namespace of the test, and all of it goes when it is left.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

_NEW_NETWORK = 0x40000000
_ADDRESS = "10.77.0."
HUB = "hub"


class Forbidden(RuntimeError):
    """Network namespaces may not be made here."""


class Network:
    """See the module. A host reaches the others by `address`."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self._numbers = {name: number for number, name in enumerate((HUB, *hosts), start=1)}

    @classmethod
    @contextmanager
    def made(cls, *hosts: str) -> Iterator[Self]:
        """A network with a hub and these hosts. Raises `Forbidden` with what is missing."""
        network = cls(hosts)
        try:
            network._make()
            yield network
        finally:
            for name in network._numbers:
                with suppress(Forbidden):
                    _ip("netns", "del", network._space(name))

    def address(self, name: str) -> str:
        return f"{_ADDRESS}{self._numbers[name]}"

    def cut(self, host: str) -> None:
        """Let nothing through between this host and the others. No connection ends, and nobody is told."""
        _ip("-n", self._space(HUB), "link", "set", f"to-{host}", "down")

    def join(self, host: str) -> None:
        """Let everything through again."""
        _ip("-n", self._space(HUB), "link", "set", f"to-{host}", "up")

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Let this thread be there: sockets that it opens, and processes and threads that it starts."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _enter(os.open(f"/run/netns/{self._space(name)}", os.O_RDONLY))
            yield
        finally:
            _enter(before)

    def _space(self, name: str) -> str:
        return f"octo-{os.getpid()}-{name}"

    def _make(self) -> None:
        _sweep()
        hub = self._space(HUB)
        for name in self._numbers:
            _ip("netns", "add", self._space(name))
            _ip("-n", self._space(name), "link", "set", "lo", "up")
        _ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        _ip("-n", hub, "addr", "add", f"{self.address(HUB)}/24", "dev", "bridge")
        _ip("-n", hub, "link", "set", "bridge", "up")
        for name in self._numbers:
            if name != HUB:
                link, space = f"to-{name}", self._space(name)
                _ip("-n", hub, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
                _ip("-n", hub, "link", "set", link, "master", "bridge", "up")
                _ip("-n", space, "addr", "add", f"{self.address(name)}/24", "dev", "eth0")
                _ip("-n", space, "link", "set", "eth0", "up")


def _sweep() -> None:
    """Remove what test processes have left that were killed."""
    for space in Path("/run/netns").glob("octo-*-*"):
        if not Path("/proc", space.name.split("-")[1]).exists():
            with suppress(Forbidden):
                _ip("netns", "del", space.name)


def _ip(*arguments: str) -> None:
    program = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise Forbidden("there is no program `ip`: apt install iproute2")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Forbidden(f"`ip {' '.join(arguments)}` needs root with CAP_NET_ADMIN: {done.stderr.strip()}")


def _enter(descriptor: int) -> None:
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, _NEW_NETWORK):
            raise Forbidden(f"setns needs CAP_SYS_ADMIN: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(descriptor)
