"""The kill loop: producers send, lives handle messages and are killed one after the other; then comes the verdict."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

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
    """services: their URL. port: for the producers. seed: of the moments at which lives are killed."""

    workload: Workload
    services: str
    folder: Path
    port: int
    zygote: Zygote
    seed: int = 0
    sink: Sink = field(default_factory=Sink)
    is_over: bool = False

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "flow.yaml").write_text(self.workload.flow)
        shutil.copy(HERE / "effects.py", self.folder)
        self._path = self.folder / "sink"
        self._path.touch()
        self._file = self._path.open()
        self._rest = ""
        self._seen = 0
        self._arrived: set[Pair] = set()
        self._random = random.Random(self.seed)
        self.producers = [Producer(number, self) for number in range(PRODUCERS)]

    @property
    def open(self) -> int:
        """Messages that were taken and have not arrived yet."""
        return sum(len(each.told) for each in self.producers) - len(self._arrived)

    def _look(self) -> bool:
        """Read what has come since the last look. Returns whether anything has."""
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        for line in lines:
            self.sink.add(line)
        for each in self.sink.arrivals[self._seen :]:
            if each.effect == "second":
                self._arrived.add(each.pair)
        self._seen = len(self.sink.arrivals)
        return bool(lines)

    def _begin(self, number: int, point: str) -> int:
        environment = {
            "CHAOS_SINK": str(self._path),
            "CHAOS_LIFE": str(number),
            "PORT": str(self.port),
            "CHAOS_POINT": point,
            "CHAOS_COUNT": str(self._random.randint(1, 8)),
            "OCTO_SERVICES": self.services,
        }
        arguments = ["run", "--quiet", "--admin-addr", "off", "--log-level", "warn", "flow.yaml"]
        log = str(self.folder / "log")
        return self.zygote.begin(arguments=arguments, environment=environment, folder=str(self.folder), log=log)

    def limits(self, kills: int) -> Limits:
        """What so many kills excuse: each life had a few messages under way."""
        again = 0 if self.workload.once else PRODUCERS
        return Limits(
            repeated=2 * kills * (self.workload.in_flight + again),
            overtaken=kills if self.workload.in_order else None,
            reordered=0 if self.workload.in_order else None,
        )

    def run(self, points: Sequence[str]) -> Verdict:
        """Kill a life at each of these points, then let one live until all has arrived. Raises `Hang`."""
        asyncio.run(self.workload.prepare(self.services))
        for each in self.producers:
            each.start()
        for number, point in enumerate(points):
            process = self._begin(number, "" if point == RANDOM else point)
            code = self._live(process, self._random.uniform(0.0, 1.2) if point == RANDOM else None)
            assert code == -signal.SIGKILL, f"life {number} ended with {code}: {self.log}"
        process = self._begin(len(points), "")
        self.is_over = True
        self._drain()
        os.kill(process, signal.SIGTERM)
        assert self._live(process, None) == 0, self.log
        self._look()
        self._file.close()
        sent = {each.number: each.sent for each in self.producers}
        return judge(sent, {each.number: each.told for each in self.producers}, self.sink, self.limits(len(points)))

    def _live(self, process: int, after: float | None) -> int:
        """Wait for the end of this life, which is killed after so many seconds."""
        progress = time.monotonic()
        if after is not None:
            if (code := self.zygote.ended(after)) is not None:
                return code
            os.kill(process, signal.SIGKILL)
        while (code := self.zygote.ended(0.01)) is None:
            if self._look():
                progress = time.monotonic()
            if time.monotonic() > progress + PATIENCE:
                os.kill(process, signal.SIGKILL)
                self.zygote.ended(PATIENCE)
                raise Hang(f"no effect for {PATIENCE:g} s: {self.log}")
        self._look()
        return code

    def _drain(self) -> None:
        """Until every message that was taken has arrived, and none is left in the services."""
        progress, left = time.monotonic(), self._left()
        while any(each.is_alive() for each in self.producers) or self.open > 0 or left:
            for _ in range(20):
                time.sleep(0.01)
                if self._look():
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
