"""`octo run --processes N`: N equal processes that share the ports. What must happen once happens in the first."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from itertools import count as numbers
from pathlib import Path
from typing import Any, NamedTuple

from octo.cli import exits
from octo.cli.project import refuse
from octo.cli.shares import Shares
from octo.cli.vitals import Vitals
from octo.core.addresses import Resolved
from octo.core.errors import OctoError
from octo.core.log import fields
from octo.core.supervisor import VARIABLE
from octo.operations.fleet import Fleet
from octo.operations.port import SOCKET, Port, opened
from octo.operations.traces import ROUTES

log = logging.getLogger("octo.processes")

EVERY = 0.05
"""Seconds between two looks at the children."""

ASLEEP = 1.0
"""A look that is this many seconds late: the machine, or this process, stood still, and the children may have too."""

PROMPT = 1.0
"""Seconds that new connections may wait for the next child of a place. If it takes longer, they go to its siblings."""

LAST_WORDS = 1.0
"""Seconds that a process which must end has to show on stderr what its threads do, before it is killed."""


class Patience(NamedTuple):
    """Seconds. hung_after: without a sign of life from a child. stop: from a signal to its end."""

    hung_after: float
    stop: float


def supervise(count: int, port: Port, patience: Patience) -> int:
    """Run `count` children with this process's own arguments until a signal arrives. Return their worst exit code.

    A child that ends is replaced, and one that hangs is killed first, with growing pauses if this happens again and
    again. But if a child ends by itself before it has ever run, all are stopped: what kept it from starting would keep
    its siblings from starting too. The supervisor owns the operations port and the addresses that the children listen
    at; it asks the children over sockets in a folder that only its user may enter.
    """
    with tempfile.TemporaryDirectory(prefix="octo-") as folder:
        try:
            return asyncio.run(_supervise(count, port, patience, Path(folder)))
        except OctoError as error:
            refuse(error)
            return exits.FAILED


async def _supervise(count: int, port: Port, patience: Patience, folder: Path) -> int:
    fleet = Fleet()
    async with opened(port, fleet, ROUTES):
        family = _Family(count, patience, fleet, None if port.address is None else folder)
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(each, family.stop)
        while family.places:
            family.look_after()
            await asyncio.sleep(EVERY)
    return family.worst


class _Family:
    """The children that run. folder: where their sockets are; None without an operations port."""

    def __init__(self, count: int, patience: Patience, fleet: Fleet, folder: Path | None) -> None:
        self.worst = exits.DONE
        self.places: dict[int, _Place] = {}
        self._patience = patience
        self._fleet = fleet
        self._folder = folder
        self._indexs = numbers()
        self._shares = Shares()
        self._loop = asyncio.get_running_loop()
        self._looked = self._loop.time()
        self._stop_until: float | None = None
        for index in range(count):
            self.places[index] = _Place(index, Vitals(patience.hung_after))
            self._bear(self.places[index])

    def _bear(self, place: _Place) -> None:
        path = None
        if self._folder is not None:
            path = self._folder / f"{next(self._indexs)}.sock"
            self._fleet.join(place.index, path)
        place.vitals.begin(self._loop.time())
        self._shares.succeed(place.index)
        place.child = _Child(place.index, path, self._shares, lambda has_started: self._heard(place, has_started))

    def _heard(self, place: _Place, has_started: bool) -> None:
        place.vitals.beat(self._loop.time(), has_started)
        if has_started:
            self._shares.sweep(place.index)

    def stop(self) -> None:
        """Let the children end; the second time, end them."""
        again = self._stop_until is not None
        self._stop_until = self._stop_until or self._loop.time() + self._patience.stop
        for place in list(self.places.values()):
            if place.child is None:
                del self.places[place.index]
            else:
                place.child.process.send_signal(signal.SIGKILL if again else signal.SIGTERM)

    def look_after(self) -> None:
        now = self._loop.time()
        was_asleep = now - self._looked > ASLEEP
        self._looked = now
        for place in list(self.places.values()):
            if was_asleep:
                place.vitals.forgive(now)
            if place.child is not None:
                self._look_at(place, place.child, now)
            elif now >= place.due:
                self._bear(place)

    def _look_at(self, place: _Place, child: _Child, now: float) -> None:
        code = child.process.poll()
        if code is not None:
            child.close()
            self._ended(place, code, now)
        elif child.condemned is None and (why := self._too_long(place, now)):
            log.error(why, extra=fields(process=place.index, pid=child.process.pid))
            child.condemned = now
            child.process.send_signal(signal.SIGQUIT)
        elif child.condemned is not None and now > child.condemned + LAST_WORDS:
            child.process.kill()

    def _too_long(self, place: _Place, now: float) -> str:
        """Why a child must be killed, "" if it need not."""
        if place.vitals.is_hung(now):
            return f"process has given no sign of life for {place.vitals.silence(now):.0f} s, killing it"
        if self._stop_until is not None and now > self._stop_until:
            return f"process has not ended within {self._patience.stop:g} s, killing it"
        return ""

    def _ended(self, place: _Place, code: int, now: float) -> None:
        place.child = None
        if self._stop_until is None and place.vitals.may_be_replaced(code, now):
            place.due = place.vitals.end(now)
            self._fleet.replaced += 1
            pause = round(place.due - now, 1)
            log.error("process ended, replacing it", extra=fields(process=place.index, code=code, pause=pause))
            if pause > PROMPT:
                self._shares.forget(place.index)  # its siblings get its connections
            return
        self._shares.forget(place.index)
        self.worst = max(self.worst, _blame(code))
        del self.places[place.index]
        if self._stop_until is None:
            self.stop()


class _Place:
    """A place among the children. child: None between the end of one and the birth of the next, which is at `due`."""

    def __init__(self, index: int, vitals: Vitals) -> None:
        self.index = index
        self.vitals = vitals
        self.child: _Child | None = None
        self.due = 0.0


class _Child:
    """A process, and our end of the line to it (see `octo.core.supervisor`). condemned: when it was told to end."""

    def __init__(self, index: int, path: Path | None, shares: Shares, beat: Callable[[bool], None]) -> None:
        self.condemned: float | None = None
        self._index = index
        self._shares = shares
        self._beat = beat
        self._rest = b""
        self._line, end = socket.socketpair()
        with end:
            self.process = _spawn(index, path, end)
        self._line.setblocking(False)
        asyncio.get_running_loop().add_reader(self._line, self._read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._line)
        self._line.close()

    def _read(self) -> None:
        try:
            data = self._line.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._line)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for each in lines:
            self._take(json.loads(each))

    def _take(self, message: list[Any]) -> None:
        match message:
            case ["beat", has_started]:
                self._beat(has_started)
            case ["borrow", family, protocol, where, backlog]:
                self._lend(Resolved(family, protocol, tuple(where)), backlog)
            case ["give back", family, protocol, where]:
                self._shares.take_back(Resolved(family, protocol, tuple(where)), self._index)

    def _lend(self, address: Resolved, backlog: int) -> None:
        answer: dict[str, object] = {"lent": True}
        descriptors: list[int] = []
        try:
            descriptors = [self._shares.lend(address, backlog, self._index).fileno()]
        except OSError as error:
            answer = {"lent": False, "errno": error.errno, "error": error.strerror}
        with suppress(OSError):  # it has ended
            socket.send_fds(self._line, [json.dumps(answer).encode() + b"\n"], descriptors)


def _blame(code: int) -> int:
    """The exit code for a child's end. A child that SIGTERM killed before it handled signals did nothing wrong."""
    if code == -signal.SIGTERM:
        return exits.DONE
    return code if code >= 0 else exits.FAILED


def _spawn(index: int, path: Path | None, end: socket.socket) -> subprocess.Popen[bytes]:
    environment = {**os.environ, VARIABLE: str(end.fileno()), "OCTO_PROCESS": str(index)}
    if path is not None:
        environment[SOCKET] = str(path)
    arguments = _without_processes(sys.argv[1:])
    # Each child has its own session: so Ctrl-C reaches only the supervisor, which then stops every child once.
    return subprocess.Popen(  # noqa: S603  our own command line
        [sys.executable, "-m", "octo", *arguments], env=environment, pass_fds=[end.fileno()], start_new_session=True
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
