"""Coverage for a terminal: a table of flows, and a list of what is missing, with places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from octo.core.errors import Position
from octo.suite.coverage.result import KINDS, File, Flow, Item, Result, Score, rounded

MOST_MISSED = 100
"""At most this many lines about what is missing are shown; nobody reads more."""

_HEAD = ("flow", "covered", "blocks", "branches", "errors", "decisions")
_BOLD, _DIM, _RED, _YELLOW, _GREEN = 1, 2, 31, 33, 32


def text(result: Result, *, colour: bool = False, missed: int = MOST_MISSED) -> str:
    """Return the table, then at most `missed` lines about what is missing. colour: add colours for a terminal."""
    lines = [*_table(result, colour), *_missed(result, colour, missed)]
    return "\n".join(lines)


# --- the table ---------------------------------------------------------------------------------------------------


def _table(result: Result, colour: bool) -> Iterator[str]:
    rows: list[tuple[str, ...]] = []
    for file in result.files:
        rows.append((file.name,))
        rows += [(f"  {flow.name}", *_cells(flow)) for flow in file.flows]
    rows.append(("all flows", *_cells(result)))
    columns = zip(_HEAD, *(row for row in rows if len(row) > 1), strict=True)  # file names may be longer
    widths = [max(map(len, column)) for column in columns]
    yield _styled(_line(_HEAD, widths), _BOLD, colour)
    for row in rows[:-1]:
        yield _styled(_line(row, widths), _row_style(row), colour)
    yield _styled(_line(rows[-1], widths), _BOLD, colour)


def _cells(scored: Flow | Result) -> Iterator[str]:
    yield rounded(scored.score().percent)
    yield from (_share(scored.score(kind)) for kind in KINDS)


def _share(score: Score) -> str:
    return f"{score.covered}/{score.total}" if score.total else "–"  # noqa: RUF001  a dash, not a minus


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if number else cell.ljust(width)
        for number, (cell, width) in enumerate(zip(row, widths, strict=False))
    )
    return "   ".join((first, *others)).rstrip()


def _row_style(row: Sequence[str]) -> int:
    if len(row) == 1:
        return _DIM
    return {"100%": _GREEN, "0.0%": _RED}.get(row[1], _YELLOW)


# --- what is missing ---------------------------------------------------------------------------------------------


def _missed(result: Result, colour: bool, most: int) -> Iterator[str]:
    found = [each for file in result.files for each in sorted(_missed_in(file))]
    if not found or not most:
        return
    yield ""
    yield _styled("Not covered", _BOLD, colour)
    shown = found[:most]
    width = max(len(str(at)) for at, _ in shown)
    for at, what in shown:
        yield f"  {_styled(str(at).ljust(width), _DIM, colour)}   {_printable(what)}"
    if len(found) > most:
        yield f"  … and {len(found) - most} more"


def _missed_in(file: File) -> Iterator[tuple[Position, str]]:
    for flow in file.flows:
        if flow.calls:
            for item in flow.items:
                yield from _missed_of(item)
        elif flow.items:
            yield flow.at, f'flow "{flow.name}" was never called ({flow.score().total} to cover)'


def _missed_of(item: Item) -> Iterator[tuple[Position, str]]:
    """Yield what is missing. An item that never ran is one line, with the number of items inside it."""
    inside = Score.of(each for part in item.parts for each in part.walk()).total
    if item.missed:
        yield item.at, item.told() + (f" (nor the {inside} in it)" if inside and not item.hits else "")
    if item.hits:
        for part in item.parts:
            yield from _missed_of(part)


def _styled(words: str, style: int, colour: bool) -> str:
    return f"\x1b[{style}m{_printable(words)}\x1b[0m" if colour else _printable(words)


def _printable(words: str) -> str:
    """Replace control characters: a name in a flow may contain some, and a terminal must not obey them."""
    return "".join(each if each.isprintable() else "\ufffd" for each in words)
