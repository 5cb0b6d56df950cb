"""The subject of the operations port: one process, or several behind one port (`octo.operations.fleet`)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

from octo.engine.metrics import Snapshot

Facts = dict[str, Any]
"""The part of `/status` that does not come from metrics, as JSON. See `octo.operations.status`."""


class Subject(Protocol):
    """What the handlers need from it."""

    async def reasons(self) -> list[str]:
        """Return why it is not ready to take messages; an empty list if it is."""
        ...

    async def notes(self) -> list[str]:
        """Return what is wrong although it takes messages."""
        ...

    async def snapshot(self) -> Snapshot:
        """Return the current values of all metrics."""
        ...

    async def facts(self) -> Facts:
        """Return what runs."""
        ...

    async def flows(self) -> list[Mapping[str, object]]:
        """Return the configured flows, without settings."""
        ...

    async def level(self) -> str:
        """Return the level of the log."""
        ...

    async def set_level(self, level: str) -> None:
        """Change the level of the log; `level` is one of `octo.core.log.LEVELS`."""
        ...

    async def letters(self) -> list[Mapping[str, object]]:
        """Return the dead letters in groups that failed alike, the largest first, as `octo dlq list` does.

        Raises `OctoError` if a place of theirs cannot be asked.
        """
        ...

    async def traces(self, flow: str | None, outcome: str | None, limit: int) -> list[Mapping[str, object]]:
        """Return summaries of stored traces, the newest first."""
        ...

    async def trace(self, id: str) -> Sequence[Mapping[str, Any]]:  # noqa: A002  the usual word
        """Return the records of a stored trace. Raises `OctoError` if there is none."""
        ...

    async def tap(self, flow: str, when: str, take: int) -> AsyncGenerator[Any, None]:
        """Return the next traces of a flow, each a list of records, until the flow is removed.

        Raises `OctoError` if `when` is not a condition.
        """
        ...
