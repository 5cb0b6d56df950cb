"""What tests covered of flows, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from octo.core.errors import Position

Kind = Literal["block", "branch", "error", "decision"]
KINDS: tuple[Kind, ...] = ("block", "branch", "error", "decision")


class Item(NamedTuple):
    """A block, branch, error path or decision, and how often each of its outcomes occurred.

    kind: `error` is the error chain of a flow or the recovery of a block.
    address: of the block or branch; a decision has the address of its block.
    text: label of a block, name of a branch, text of a decision.
    outcomes: `ran` of a block or branch, `true` and `false` of a decision, each with its count. Each is one thing to
        cover. An `else` or `default` that is not written has `passed`: the message goes on unchanged.
    failed: how often a block ended in an error.
    parts: the decisions and branches of a block, the blocks of a branch. type: of a block.
    """

    kind: Kind
    address: str
    text: str
    at: Position
    outcomes: Mapping[str, int]
    failed: int = 0
    parts: tuple[Item, ...] = ()
    type: str = ""

    @property
    def hits(self) -> int:
        return sum(self.outcomes.values())

    @property
    def missed(self) -> tuple[str, ...]:
        """The outcomes that never occurred."""
        return tuple(name for name, hits in self.outcomes.items() if not hits)

    def walk(self) -> Iterator[Item]:
        """Yield the item itself and everything in it."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def told(self) -> str:
        """What is missing, for a line that begins with the place."""
        if self.kind == "decision":
            return f"`{self.text}` was never {self.missed[0] if self.hits else 'evaluated'}"
        if self.kind == "block":
            return f"block {self.address} never ran"
        if self.kind == "error":
            return f"error path {self.address} never ran"
        if "passed" in self.outcomes:
            return f"no message went past {self.address.rpartition('[')[0]}, which has no `{self.text}`"
        return f"branch {self.address} never taken"


class Score(NamedTuple):
    """How many outcomes occurred, of how many there are."""

    covered: int
    total: int

    @property
    def percent(self) -> float:
        """0 to 100; 100 if there is nothing to cover."""
        return 100 * self.covered / self.total if self.total else 100.0

    @classmethod
    def of(cls, items: Iterable[Item]) -> Score:
        """The score of these items alone, without their parts."""
        items = list(items)
        total = sum(len(item.outcomes) for item in items)
        return cls(total - sum(len(item.missed) for item in items), total)


class Flow(NamedTuple):
    """A flow and the items of its chain; its error chain, if there is one, comes last.

    calls: how many messages entered it.
    """

    name: str
    at: Position
    calls: int
    items: tuple[Item, ...]

    def walk(self) -> Iterator[Item]:
        for item in self.items:
            yield from item.walk()

    def score(self, kind: Kind | None = None) -> Score:
        return Score.of(item for item in self.walk() if kind in (None, item.kind))


class File(NamedTuple):
    """A file of flows. source: its text, "" if it could not be read."""

    name: str
    source: str
    flows: tuple[Flow, ...]

    def walk(self) -> Iterator[Item]:
        for flow in self.flows:
            yield from flow.walk()


class Result(NamedTuple):
    """All files, in the order in which they were first declared."""

    files: tuple[File, ...]

    def walk(self) -> Iterator[Item]:
        for file in self.files:
            yield from file.walk()

    def score(self, kind: Kind | None = None) -> Score:
        return Score.of(item for item in self.walk() if kind in (None, item.kind))

    @property
    def percent(self) -> float:
        return self.score().percent

    def missing(self) -> list[Item]:
        """The items with an outcome that never occurred, file by file, from top to bottom."""
        return [item for file in self.files for item in sorted(file.walk(), key=_at) if item.missed]


def _at(item: Item) -> Position:
    return item.at


def rounded(percent: float) -> str:
    """The percentage with one digit, rounded down: `100%` means complete."""
    return "100%" if percent >= 100 else f"{int(percent * 10) / 10:.1f}%"
