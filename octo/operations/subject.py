"""What the operations port tells of: one process, or several behind one port (`octo.operations.fleet`)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

from octo.engine.metrics import Snapshot

Facts = dict[str, Any]
"""The part of `/status` that is no figure; JSON. See `octo.operations.status`."""


class Subject(Protocol):
    """What handlers ask."""

    async def reasons(self) -> list[str]:
        """Why this is not ready to take messages; empty when it is."""
        ...

    async def snapshot(self) -> Snapshot:
        """All metrics of this moment."""
        ...

    async def facts(self) -> Facts:
        """What runs."""
        ...

    async def flows(self) -> list[Mapping[str, object]]:
        """The flows as they are configured, without settings."""
        ...

    async def level(self) -> str:
        """The level of the log."""
        ...

    async def set_level(self, level: str) -> None:
        """Change it; `level` is one of `octo.core.log.LEVELS`."""
        ...

    async def traces(self, flow: str | None, outcome: str | None, limit: int) -> list[Mapping[str, object]]:
        """Summaries of kept traces, the newest first."""
        ...

    async def trace(self, id: str) -> Sequence[Mapping[str, Any]]:  # noqa: A002  everybody's word
        """The records of a kept trace; raises `OctoError` when there is none."""
        ...

    async def tap(self, flow: str, when: str, take: int) -> AsyncGenerator[Any, None]:
        """The next traces of a flow, each a list of records, until it is removed; raises `OctoError` when `when` is no
        condition.
        """
        ...
