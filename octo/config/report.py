"""Collects problems: a configuration is read to its end, so that its author sees all problems at once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from octo.core.errors import ConfigError, Position, Problem

MOST_PROBLEMS = 500
"""Authors do not read more, and a hostile file must not keep Octo busy with looking for hints."""


class Report:
    """The problems and warnings found so far. The same problem is reported once, however often it is found."""

    def __init__(self) -> None:
        self._problems: dict[Problem, None] = {}
        self._warnings: dict[Problem, None] = {}

    def error(self, code: str, at: Position, message: str, hint: str = "") -> None:
        self._problems[Problem(code, at, message, hint)] = None
        if len(self._problems) >= MOST_PROBLEMS:
            self.raise_if_any()

    def warn(self, code: str, at: Position, message: str, hint: str = "") -> None:
        if len(self._warnings) < MOST_PROBLEMS:
            self._warnings[Problem(code, at, message, hint)] = None

    @property
    def problems(self) -> list[Problem]:
        return sorted(self._problems, key=lambda problem: problem.at)

    @property
    def warnings(self) -> list[Problem]:
        return sorted(self._warnings, key=lambda problem: problem.at)

    def raise_if_any(self, watched: Iterable[Path] = ()) -> None:
        if self._problems:
            raise ConfigError(self.problems, watched)


def listed(names: list[str], limit: int = 50) -> str:
    """`a`, `b`, `c` for a hint; a long list is cut short."""
    shown = ", ".join(f"`{name}`" for name in names[:limit])
    return f"{shown}, ..." if len(names) > limit else shown
