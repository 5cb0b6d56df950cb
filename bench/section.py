"""The result of a measure: tables, plots and budgets, ready for the page."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

Cell = str | float | int


@dataclass
class Table:
    columns: list[str]
    rows: list[list[Cell]]
    title: str = ""


@dataclass
class Plot:
    """A plot. lines: the points of each line, by name. log: whether both axes are logarithmic."""

    file: str
    title: str
    x: str
    y: str
    lines: dict[str, list[tuple[float, float]]]
    log: bool = False


@dataclass
class Budget:
    """A promise of the design. If it could not be measured, `value` is None, and `detail` says why."""

    what: str
    promise: str
    value: float | None
    met: bool | None
    detail: str = ""
    unit: str = ""


@dataclass
class Effort:
    """How long to measure. full: whether it is the long suite. minutes: for effects that show only over time."""

    full: bool
    seconds: float
    rounds: int
    minutes: float
    warm: float = 1.0

    @classmethod
    def short(cls) -> Effort:
        return cls(full=False, seconds=1.0, rounds=1, minutes=1.0, warm=0.5)

    @classmethod
    def long(cls) -> Effort:
        return cls(full=True, seconds=5.0, rounds=3, minutes=10.0)


@dataclass
class Section:
    title: str
    text: str = ""
    tables: list[Table] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    budgets: list[Budget] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Section:
        return cls(
            value["title"],
            value["text"],
            [Table(**each) for each in value["tables"]],
            [Plot(**each) for each in value["plots"]],
            [Budget(**each) for each in value["budgets"]],
            value["notes"],
        )
