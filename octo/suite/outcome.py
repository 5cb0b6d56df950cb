"""The outcome of a case: plain data for reports, gates and other tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from octo.core.errors import Position
from octo.core.message import Message
from octo.suite.case import Case

if TYPE_CHECKING:
    from octo.debug import Crossing

Status = Literal["passed", "failed", "errored", "skipped", "not-run"]


class Mismatch(NamedTuple):
    """One thing that was not as expected. summary: one line. detail: more lines, "" if none.

    is_broken_contract: whether the flow broke its own contract, rather than an expectation of the test.
    """

    summary: str
    detail: str = ""
    is_broken_contract: bool = False

    @property
    def line(self) -> str:
        """The mismatch in one line. If the summary ends in a colon, it only says where; the detail says what."""
        if not self.summary.endswith(":"):
            return self.summary
        first, *more = self.detail.splitlines()
        # Small values: show both, wanted and found. Big values: show the first place that differs.
        told = [first, *more[:1]] if first.startswith("want: ") else [first]
        return " ".join([self.summary, *told])


class Happened(NamedTuple):
    """How one call ended: with a result, a drop (its reason) or an error. The other two are None.

    All three are None for a call whose flow never ran, as when an HTTP request finds no route.
    at: where in the flow file it failed. reply: what the sender of a trigger got back.
    crossed: for each spied address, the range of crossings during the call.
    """

    result: Message | None = None
    dropped: str | None = None
    error: str | None = None
    at: Position | None = None
    reply: object = None
    crossed: Mapping[str, tuple[int, int]] = {}

    @property
    def ending(self) -> str:
        """What happened to the message, as the rest of a sentence."""
        if self.error is not None:
            return f"failed: {self.error}"
        if self.dropped is not None:
            return "dropped the message"
        return "did not run" if self.result is None else "completed"


class Outcome(NamedTuple):
    """The outcome of a case.

    reason: why it was skipped, or did not run properly. seconds: how long it took, in real time.
    happened: one entry per call that was made. crossings: what each spy saw, by address.
    log: error lines that the case logged. reproduce: a command that runs it again, "" unless it went wrong.
    """

    case: Case
    status: Status
    seconds: float = 0.0
    failures: tuple[Mismatch, ...] = ()
    reason: str = ""
    happened: tuple[Happened, ...] = ()
    crossings: Mapping[str, Sequence[Crossing]] = {}
    log: tuple[str, ...] = ()
    reproduce: str = ""

    @property
    def is_wrong(self) -> bool:
        return self.status in ("failed", "errored")

    @property
    def summary(self) -> str:
        """Why it did not pass, "" if it did."""
        return self.failures[0].line if self.failures else self.reason


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """2 if a case errored, else 1 if one failed, else 0."""
    found = {outcome.status for outcome in outcomes}
    return 2 if "errored" in found else 1 if "failed" in found else 0
