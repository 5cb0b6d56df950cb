"""`octo run --processes N`: N equal processes that share the ports. What must happen once happens in the first."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from itertools import count as numbers
from pathlib import Path

from octo.cli import exits
from octo.cli.project import refuse
from octo.core.errors import OctoError
from octo.core.log import fields
from octo.operations.fleet import Fleet
from octo.operations.port import SOCKET, Port, opened
from octo.operations.traces import ROUTES

log = logging.getLogger("octo.processes")

STABLE = 10.0
"""A process that ran for this many seconds had started well; if it ends, it is replaced."""


def supervise(count: int, port: Port) -> int:
    """Run `count` children with this process's own arguments until a signal arrives. Return their worst exit code.

    A child that a signal killed is replaced, and so is a child that ended after `STABLE` seconds or more, unless with
    exit code 2. Any other child that ends stops all: what kept it from starting would keep its siblings from starting
    too. The supervisor owns the operations port; it asks the children over sockets in a folder that only its user may
    enter.
    """
    with tempfile.TemporaryDirectory(prefix="octo-") as folder:
        try:
            return asyncio.run(_supervise(count, port, Path(folder)))
        except OctoError as error:
            refuse(error)
            return exits.FAILED


async def _supervise(count: int, port: Port, folder: Path) -> int:
    fleet = Fleet()
    async with opened(port, fleet, ROUTES):
        family = _Family(count, fleet, None if port.address is None else folder)
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, family.stop)
        while family.children:
            family.look_after()
            await asyncio.sleep(0.05)
    return family.worst


class _Family:
    """The children that run. folder: where their sockets are; None without an operations port."""

    def __init__(self, count: int, fleet: Fleet, folder: Path | None) -> None:
        self.worst = exits.DONE
        self.stopping = False
        self._fleet = fleet
        self._folder = folder
        self._births = numbers()
        self.children = {index: self._born(index) for index in range(count)}

    def _born(self, index: int) -> _Child:
        if self._folder is None:
            return _Child(index)
        socket = self._folder / f"{next(self._births)}.sock"
        self._fleet.join(index, socket)
        return _Child(index, socket)

    def stop(self) -> None:
        self.stopping = True
        for child in self.children.values():
            child.process.send_signal(signal.SIGTERM)

    def look_after(self) -> None:
        for index, child in list(self.children.items()):
            code = child.process.poll()
            if code is None:
                continue
            if self.stopping or not child.may_be_replaced(code):
                self.worst = max(self.worst, _blame(code))
                del self.children[index]
                if not self.stopping:
                    self.stop()
            elif child.rested():
                log.error("process ended, replacing it", extra=fields(process=index, code=code))
                self.children[index] = self._born(index)


class _Child:
    def __init__(self, index: int, socket: Path | None = None) -> None:
        self.process = _spawn(index, socket)
        self.born = time.monotonic()

    def may_be_replaced(self, code: int) -> bool:
        return code < 0 or (code != exits.USAGE and time.monotonic() - self.born >= STABLE)

    def rested(self) -> bool:
        """Whether a second has passed since its start: a child that crashes at once must not cause a busy loop."""
        return time.monotonic() - self.born >= 1.0


def _blame(code: int) -> int:
    """The exit code for a child's end. A child that SIGTERM killed before it handled signals did nothing wrong."""
    if code == -signal.SIGTERM:
        return exits.DONE
    return code if code >= 0 else exits.FAILED


def _spawn(index: int, socket: Path | None) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OCTO_REUSE_PORT": "1", "OCTO_PROCESS": str(index)}
    if socket is not None:
        environment[SOCKET] = str(socket)
    arguments = _without_processes(sys.argv[1:])
    # Each child has its own session: so Ctrl-C reaches only the supervisor, which then stops every child once.
    return subprocess.Popen(  # noqa: S603  our own command line
        [sys.executable, "-m", "octo", *arguments], env=environment, start_new_session=True
    )


def _without_processes(arguments: list[str]) -> list[str]:
    kept = []
    skip = False
    for each in arguments:
        if skip:
            skip = False
        elif each == "--processes":
            skip = True
        elif not each.startswith("--processes="):
            kept.append(each)
    return kept
