"""The report on the terminal: a suite is printed once it and all suites before it are done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from octo.core.secrets import masked
from octo.suite.case import Case, Suite, one_line
from octo.suite.outcome import Mismatch, Outcome

Write = Callable[[str], None]
"""Takes one line."""

Style = Callable[[str, str], str]
"""Returns a text in a style, `green`, `red`, `yellow` or `bold`, or returns it unchanged."""

_COLOURS = {"passed": "green", "failed": "red", "errored": "red", "skipped": "yellow", "not-run": "yellow"}
_WORDS = {"passed": "PASS", "failed": "FAIL", "errored": "ERROR", "skipped": "SKIP", "not-run": "NOT RUN"}


def plain(text: str, colour: str) -> str:
    """Return the text without colour."""
    del colour
    return text


class Console:
    """Prints outcomes as they come in, in the order of the suites. verbose: print passed cases too."""

    def __init__(self, suites: Sequence[Suite], write: Write, *, style: Style = plain, verbose: bool = False) -> None:
        self._waiting = list(suites)
        self._write = write
        self._style = style
        self._verbose = verbose
        self._found: dict[str, Outcome] = {}

    def done(self, outcome: Outcome) -> None:
        self._found[outcome.case.id] = outcome
        while self._waiting and all(case.id in self._found for case in self._waiting[0].cases):
            suite = self._waiting.pop(0)
            self._suite(suite, [self._found[case.id] for case in suite.cases])

    def _suite(self, suite: Suite, outcomes: Sequence[Outcome]) -> None:
        is_wrong = any(outcome.is_wrong for outcome in outcomes)
        was_run = any(outcome.status != "not-run" for outcome in outcomes)
        word = self._style("FAIL", "red") if is_wrong else self._style("ok  ", "green") if was_run else "--  "
        seconds = sum(outcome.seconds for outcome in outcomes)
        self._line(f"{word} {suite.file}  ({suite.flow})  {duration(seconds)}")
        for outcome in outcomes:
            if outcome.status != "passed" or self._verbose:
                self._case(outcome)

    def _case(self, outcome: Outcome) -> None:
        word = self._style(_WORDS[outcome.status], _COLOURS[outcome.status])
        time = f" ({duration(outcome.seconds)})" if outcome.seconds else ""
        reason = f" ({one_line(outcome.reason)})" if outcome.status == "skipped" else time
        self._line(f"  --- {word}: {outcome.case.title}{reason}")
        if outcome.status == "errored":
            self._lines(outcome.reason, 8)
        for mismatch in outcome.failures:
            self._mismatch(mismatch)
        for line in outcome.log if outcome.is_wrong else ():
            self._line(f"        log: {line}")
        if outcome.reproduce:
            self._line(f"        reproduce: {outcome.reproduce}")

    def _mismatch(self, mismatch: Mismatch) -> None:
        self._line(f"        {mismatch.summary}")
        self._lines(mismatch.detail, 14)

    def _lines(self, text: str, indent: int) -> None:
        for line in text.splitlines():
            self._line(f"{' ' * indent}{line}")

    def _line(self, text: str) -> None:
        self._write(masked(text))


def summary(outcomes: Iterable[Outcome], seconds: float, style: Style = plain) -> str:
    """The last line: how many cases passed, failed, errored and were skipped."""
    counts = Counter(outcome.status for outcome in outcomes)
    words = [f"{counts[status]} {status}" for status in ("passed", "failed", "errored", "skipped")]
    words += [f"{counts['not-run']} not run"] if counts["not-run"] else []
    colour = "red" if counts["failed"] or counts["errored"] else "green"
    return style(f"{', '.join(words)}  ({duration(seconds)})", colour)


def listed(cases: Iterable[Case]) -> list[str]:
    """One line per case, for `--list`."""
    return [case.id + (f"  (skip: {one_line(case.skip)})" if case.skip else "") for case in cases]


def duration(seconds: float) -> str:
    """A time for people: `13ms`, `2.50s`."""
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.2f}s"
