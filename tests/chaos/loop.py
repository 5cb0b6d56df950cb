"""The kill loop: producers send, lives handle messages and are killed one after the other; then comes the verdict."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.lives import HERE, PATIENCE, Zygote
from tests.chaos.oracle import Limits, Pair, Sink, Verdict, judge
from tests.chaos.producers import Producer
from tests.chaos.workloads import Workload

PRODUCERS = 4
RANDOM = "at random"


class Hang(AssertionError):
    """Nothing happened for a long time."""


@dataclass
class Loop:
    """services: their URL. port: for the producers. seed: of the moments at which lives are killed.

    admin: address of the operations port.
    """

    workload: Workload
    services: str
    folder: Path
    port: int
    zygote: Zygote
    seed: int = 0
    admin: str = "off"
    sink: Sink = field(default_factory=Sink)
    is_over: bool = False

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "flow.yaml").write_text(self.workload.flow)
        shutil.copy(HERE / "effects.py", self.folder)
        self._path = self.folder / "sink"
        self._path.touch()
        self._read = 0
        self._rest = ""
        self._seen = 0
        self._lives = 0
        self._arrived: set[Pair] = set()
        self._random = random.Random(self.seed)
        self.producers = [Producer(number, self) for number in range(PRODUCERS)]

    @property
    def open(self) -> int:
        """Messages that were taken and have not arrived yet, without those that may be lost by now."""
        taken = sum(len(each.told) for each in self.producers)
        return taken - len(self._arrived) - self.limits(self._lives).lost

    def look(self) -> bool:
        """Read what has come since the last look. Returns whether anything has."""
        with self._path.open() as file:
            file.seek(self._read)
            *lines, self._rest = (self._rest + file.read()).split("\n")
            self._read = file.tell()
        for line in lines:
            self.sink.add(line)
        for each in self.sink.arrivals[self._seen :]:
            if each.effect == self.workload.effects[-1]:
                self._arrived.add(each.pair)
        self._seen = len(self.sink.arrivals)
        return bool(lines)

    def start(self) -> None:
        """Let the producers send."""
        asyncio.run(self.workload.prepare(self.services))
        for each in self.producers:
            each.start()

    def begin(
        self, number: int, point: str = "", *, zygote: Zygote | None = None, port: int | None = None, room: int = 0
    ) -> int:
        """Begin a life with this number, which ends at this point; returns its process id.

        room: bytes that a file may have at most, 0 for no limit; a larger one is to it as a full disk.
        """
        self._lives = number
        return (zygote or self.zygote).begin(**self.life(number, point, port, room))

    @property
    def ready(self) -> bool | None:
        """Whether the life on the port says that it is ready; None if nobody answers there."""
        try:
            with urllib.request.urlopen(f"http://{self.admin}/readyz", timeout=PATIENCE) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as error:
            with error:
                return False
        except OSError:
            return None

    def recovered(self, patience: float = PATIENCE) -> None:
        """Return once it is ready and messages arrive again."""
        before = len(self.sink.arrivals)
        self.wait(lambda: self.ready, patience)
        self.wait(lambda: len(self.sink.arrivals) > before + 10)

    def life(self, number: int, point: str = "", port: int | None = None, room: int = 0) -> dict[str, Any]:
        """What `zygote` needs to begin a life; see `begin`."""
        return {
            "arguments": ["run", "--quiet", "--admin-addr", self.admin, "--log-level", "warn", "flow.yaml"],
            "environment": {
                "CHAOS_SINK": str(self._path),
                "CHAOS_LIFE": str(number),
                "CHAOS_POINT": point,
                "CHAOS_COUNT": str(self._random.randint(1, 8)),
                "CHAOS_ROOM": str(room),
                "PORT": str(port or self.port),
                **self.workload.environment(self.services),
            },
            "folder": str(self.folder),
            "log": str(self.folder / "log"),
        }

    def limits(self, kills: int) -> Limits:
        """What so many kills excuse: each life had a few messages under way."""
        effects, under_way = len(self.workload.effects), kills * self.workload.in_flight
        if self.workload.is_forgetful:
            return Limits(0, None, None, lost=under_way)
        return Limits(
            # A finished block of a journal does not run again: of a message that comes again, one effect does.
            repeated=under_way if self.workload.is_journalled else effects * under_way,
            overtaken=0 if self.workload.in_order else None,
            reordered=0 if self.workload.in_order else None,
            again=0 if self.workload.is_journalled else None,
        )

    def run(self, points: Sequence[str], during: Callable[[], object] | None = None, *, killed: int = 0) -> Verdict:
        """Kill a life at each of these points, then let one live until all has arrived. Raises `Hang`.

        during: called in the last life, while producers still send. killed: how many lives others kill.
        """
        if not self.producers[0].is_alive():
            self.start()
        for number, point in enumerate(points):
            process = self.begin(number, "" if point == RANDOM else point)
            code = self._live(process, self._random.uniform(0.0, 1.2) if point == RANDOM else None)
            assert code == -signal.SIGKILL, f"life {number} ended with {code}: {self.log}"
        kills = len(points) + killed
        process = self.begin(kills)
        try:
            if during is not None:
                during()
            self.is_over = True
            self._drain()
        finally:
            self.is_over = True
            os.kill(process, signal.SIGTERM)
            code = self._live(process, None)
        assert code == 0, self.log
        sent = {each.number: each.sent for each in self.producers}
        told = {each.number: each.told for each in self.producers}
        # What is sent again is another message, unless the queue knows that it is the same.
        sends = {} if self.workload.once else {pair: n for each in self.producers for pair, n in each.sends.items()}
        return judge(sent, told, self.sink, self.limits(kills), self.workload.effects, sends)

    def wait(self, condition: Callable[[], object], patience: float = PATIENCE) -> None:
        """Return when the condition holds; it may look at the sink. Raises `Hang`."""
        end = time.monotonic() + patience
        while not condition():
            if time.monotonic() > end:
                raise Hang(self.log)
            time.sleep(0.01)
            self.look()

    def _live(self, process: int, after: float | None) -> int:
        """Wait for the end of this life, which is killed after so many seconds."""
        code, end = None, time.monotonic() + PATIENCE
        try:
            if after is not None and (code := self.zygote.ended(after)) is None:
                os.kill(process, signal.SIGKILL)
            while code is None and time.monotonic() < end:
                code = self.zygote.ended(0.01)
                self.look()
        finally:
            if code is None:
                self.is_over = True
                os.kill(process, signal.SIGKILL)
                self.zygote.ended(PATIENCE)
        if code is None:
            raise Hang(f"the life went on for {PATIENCE:g} s, with {len(self.sink.arrivals)} arrivals: {self.log}")
        return code

    def _drain(self) -> None:
        """Until every message that was taken has arrived, and none is left in the services."""
        progress, left = time.monotonic(), self._left()
        while any(each.is_alive() for each in self.producers) or self.open > 0 or left:
            for _ in range(20):
                time.sleep(0.01)
                if self.look():
                    progress = time.monotonic()
            left = self._left()
            if time.monotonic() > progress + PATIENCE:
                if left == 0:
                    return  # nothing will come: the verdict says what was lost
                raise Hang(f"{left} messages were not handled within {PATIENCE:g} s: {self.log}")

    def _left(self) -> int:
        return asyncio.run(self.workload.left(self.services))

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text()[-3000:] if path.exists() else ""
