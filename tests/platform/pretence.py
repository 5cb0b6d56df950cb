"""A target that runs nothing: it does what its test says, with the verbs of the real ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.target import Answer, Instance, LogLine, Observed, Reason, Refused, Unreachable
from octo_platform.deploy.targets import Place


@dataclass
class Pretence:
    """Deployments are ready as soon as they are applied.

    bad: tags that never become ready. reachable: whether it can be asked. refuses: why it takes nothing. lingering: the
    ids of which something is left after the first `remove`.
    """

    desired: dict[str, Desired] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    reachable: bool = True
    refuses: str = ""
    lingering: set[str] = field(default_factory=set)
    applied: list[Desired] = field(default_factory=list)
    told: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    places: list[Place] = field(default_factory=list)

    @asynccontextmanager
    async def opened(self, place: Place) -> AsyncIterator[Pretence]:
        self.places.append(place)
        yield self

    def _check(self) -> None:
        if not self.reachable:
            raise Unreachable("nobody answers")

    async def apply(self, desired: Desired) -> None:
        self._check()
        if self.refuses:
            raise Refused(self.refuses)
        self.applied.append(desired)
        self.desired[desired.deployment] = desired

    async def remove(self, deployment: str) -> bool:
        self._check()
        if deployment in self.lingering:
            self.lingering.discard(deployment)
            return False
        self.desired.pop(deployment, None)
        return True

    async def observe(self, deployment: str) -> Observed:
        self._check()
        found = self.desired.get(deployment)
        if found is None:
            return Observed(phase="absent")
        if found.tag in self.bad:
            reason = Reason(code="CrashLoop", text=f"{found.tag} ends at once")
            return Observed(phase="failed", generation=found.generation, wanted=found.replicas, reasons=(reason,))
        instances = tuple(
            Instance(name=f"{found.slug}-{n}", generation=found.generation, tag=found.tag, ready=True, phase="running")
            for n in range(found.replicas)
        )
        return Observed(
            phase="running" if found.replicas else "paused",
            generation=found.generation,
            wanted=found.replicas,
            ready=found.replicas,
            instances=instances,
            internal_url=f"http://{found.slug}.test:{found.port}" if found.port else None,
        )

    async def found(self) -> AbstractSet[str]:
        self._check()
        return self.desired.keys()

    async def changes(self) -> AsyncIterator[str]:
        while True:
            yield await self.told.get()

    async def logs(self, deployment: str, *, lines: int, follow: bool) -> AsyncIterator[LogLine]:
        self._check()
        found = self.desired.get(deployment)
        for n in range(min(lines, 3) if found is not None else 0):
            yield LogLine(None, f"{found.slug if found else deployment}-0", f"line {n}")

    async def ask(self, deployment: str, path: str, limit: int) -> list[Answer]:
        self._check()
        found = self.desired[deployment]
        flow = {"name": "orders", "completed": 3, "in_flight": 1, "waiting": 1, "dropped": 0, "failed": 0}
        body = json.dumps({"path": path, "flows": [flow]}).encode()
        return [Answer(f"{found.slug}-{n}", 200, body[:limit]) for n in range(found.replicas)]
