"""The results of exploring faults, for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from octo.core.secrets import masked
from octo.suite.chaos.explore import Explored, Verdict
from octo.suite.console import Style

_SAID = {
    "unharmed": ("unharmed", None),
    "told": ("the flow fails, and can be tried again", None),
    "handled": ("handled by", None),
    "lost": ("LOST", "red"),
    "doubled": ("DOUBLED", "red"),
    "broke": ("BROKE", "red"),
}
_WIDTH = len("happens twice")


def shown(explored: Explored, style: Style) -> Iterator[str]:
    """The verdicts on one case, call by call."""
    case = explored.case
    yield f"{case.file.name} :: {case.name}  ({case.flow})"
    if explored.skipped:
        yield f"  not explored: {masked(explored.skipped)}"
    call = None
    for verdict in explored.verdicts:
        if call != (verdict.address, verdict.nth):
            call = (verdict.address, verdict.nth)
            yield f"  {verdict.address}{f', call {verdict.nth}' if verdict.nth > 1 else ''}"
        yield f"    {verdict.fault:{_WIDTH}}  {_verdict(verdict, style)}"


def _verdict(verdict: Verdict, style: Style) -> str:
    word, colour = _SAID[verdict.kind]
    told = [style(word, colour) if colour else word, ", ".join(verdict.calls), masked(verdict.reason)]
    return " ".join(each for each in told if each)


def summary(explored: Iterable[Explored], style: Style) -> str:
    """One line: how many faults were injected, and how many of them did harm."""
    explored = list(explored)
    counts: Counter[str] = Counter(verdict.kind for each in explored for verdict in each.verdicts)
    idle = sum(not each.verdicts and not each.skipped for each in explored)
    wrong = {kind: counts[kind] for kind in ("lost", "doubled", "broke") if counts[kind]}
    told = [f"{idle} of {len(explored)} cases call nothing outside"] if idle else []
    told += [f"{counts.total()} faults", f"{counts.total() - sum(wrong.values())} without harm"]
    bad = ", ".join(f"{count} {kind}" for kind, count in wrong.items())
    return ", ".join([*told, style(bad, "red")] if bad else told)
