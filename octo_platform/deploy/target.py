"""The port behind which deployments run: on this machine, on Kubernetes, or elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Set as AbstractSet
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from octo_platform.deploy.desired import Desired

Phase = Literal["absent", "progressing", "running", "degraded", "failed", "paused"]


class Unreachable(Exception):
    """The target cannot be asked now: nothing may be concluded from that, and nothing may be removed."""


class Refused(Exception):
    """The target does not take this, now or later: a quota, a missing right, a name of somebody else's."""


class Reason(BaseModel):
    """Why something is as it is. code: for programs, e.g. `CrashLoopBackOff`; text: for people."""

    model_config = ConfigDict(frozen=True)
    code: str
    text: str


class Instance(BaseModel):
    """A process or pod. name: unique in its deployment, and new with each start."""

    model_config = ConfigDict(frozen=True)
    name: str
    generation: int
    tag: str
    ready: bool
    phase: str
    restarts: int = 0
    since: datetime | None = None
    reason: Reason | None = None


class Observed(BaseModel):
    """What a target sees of one deployment.

    generation: the newest one that `apply` was given here; None if nothing is known. phase: "running" only when every
    wanted instance is of this generation and ready, and none of another is left; "degraded" when fewer than wanted are
    ready, or others; "failed" when it cannot become ready without a change.
    """

    model_config = ConfigDict(frozen=True)
    phase: Phase
    generation: int | None = None
    wanted: int = 0
    ready: int = 0
    reasons: tuple[Reason, ...] = ()
    instances: tuple[Instance, ...] = ()
    internal_url: str | None = None
    external_url: str | None = None


class LogLine(NamedTuple):
    """A line that an instance wrote."""

    at: datetime | None
    instance: str
    text: str


class Answer(NamedTuple):
    """What the operations port of an instance answered."""

    instance: str
    status: int
    body: bytes


class Target(Protocol):
    """Somewhere to run deployments. All verbs may be called again at any time, also after a crash in the middle.

    They raise `Unreachable` or `Refused`, and nothing else that is foreseen.
    """

    async def apply(self, desired: Desired) -> None:
        """Begin to make it so, or go on. It returns soon; `observe` tells how far it is.

        The instances of the generation before serve until those of the new one are ready.
        """
        ...

    async def remove(self, deployment: str) -> bool:
        """Begin to remove everything of a deployment, or go on. Return whether nothing is left."""
        ...

    async def observe(self, deployment: str) -> Observed: ...

    async def found(self) -> AbstractSet[str]:
        """The ids of all deployments of which anything is left here."""
        ...

    def changes(self) -> AsyncIterator[str]:
        """The id of each deployment of which something may have changed, until cancelled."""
        ...

    def logs(self, deployment: str, *, lines: int, follow: bool) -> AsyncIterator[LogLine]:
        """The last lines of all instances, oldest first; then, with `follow`, new ones as they come."""
        ...

    async def ask(self, deployment: str, path: str, limit: int) -> list[Answer]:
        """GET a path of the operations port of each ready instance, at most `limit` bytes of each answer."""
        ...
