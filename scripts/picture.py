"""Draw a command and what it prints as an SVG picture of a terminal: `picture.py OUT.svg octo why ...`.

`make pictures` draws the pictures of the documentation, so they show exactly what the commands print. Each command runs
in a terminal of its own, so it prints its colours. `picture.py OUT.svg - <FILE` draws what was printed elsewhere: there
`$ ` begins a command, and `# ` a remark.

A picture is as wide as a README at most, so that nothing is made smaller. It is dark with a border, so that it can be
read on a light and on a dark page.
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple
from unicodedata import east_asian_width

COLUMNS = int(os.environ.get("COLUMNS", "96"))
WIDTH, HEIGHT, PADDING = 8.4, 18, 16
FONTS = "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace"
BACKGROUND, BORDER, TEXT, PROMPT, FAINT = "#11161d", "#3d4650", "#e6edf3", "#36d399", "#9aa7b4"
COLOURS = {"2": FAINT, "31": "#ff7b72", "32": "#56d364", "33": "#e3b341", "36": "#76e3ea"}
"""Colours by their number in terminal sequences. Text in another colour is drawn as plain text."""

SEQUENCE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


class Run(NamedTuple):
    """Characters of one colour. column: that of the first character, from 0."""

    column: int
    text: str
    colour: str


def picture(text: str) -> str:
    """The SVG of a terminal in which the text was printed."""
    # What stands before a carriage return has been written over: the progress of a search.
    shown = (line.rpartition("\r")[2] for line in text.replace("\r\n", "\n").rstrip().split("\n"))
    lines = [row for line in shown for row in _rows(_runs(line))]
    columns = max(run.column + _columns(run.text) for line in lines for run in line)
    width, height = round(columns * WIDTH + 2 * PADDING), len(lines) * HEIGHT + 2 * PADDING
    rows = "\n".join(_drawn(number, part) for number, line in enumerate(lines) for run in line for part in _parts(run))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" fill="{BACKGROUND}" '
        f'stroke="{BORDER}"/>\n'
        f'<g font-family="{FONTS}" font-size="14">\n'
        f"{rows}\n</g>\n</svg>\n"
    )


def _runs(line: str) -> Iterator[Run]:
    colour, column, end = {"$ ": PROMPT, "# ": FAINT}.get(line[:2], TEXT), 0, 0
    for found in SEQUENCE.finditer(line):
        yield Run(column, line[end : found.start()], colour)
        column, end = column + _columns(line[end : found.start()]), found.end()
        if found[2] == "m":
            chosen = [COLOURS[code] for code in found[1].split(";") if code in COLOURS]
            colour = chosen[-1] if chosen else TEXT
    yield Run(column, line[end:], colour)


def _rows(runs: Iterator[Run]) -> list[list[Run]]:
    """The runs of a line in as many rows as a terminal needs for it."""
    rows: list[list[Run]] = [[]]
    for run in runs:
        text = run.text
        while text:
            at = run.column + len(run.text) - len(text)
            row, column = divmod(at, COLUMNS)
            if row == len(rows):
                rows.append([])
            piece, text = text[: COLUMNS - column], text[COLUMNS - column :]
            rows[row].append(Run(column, piece, run.colour))
    return rows


def _columns(text: str) -> int:
    """How many columns the text takes: an emoji takes two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _parts(run: Run) -> Iterator[Run]:
    """The run in parts without consecutive spaces: some browsers draw these as one in SVG."""
    for found in re.finditer(r"\S+(?: \S+)*", run.text):
        yield Run(run.column + _columns(run.text[: found.start()]), found[0], run.colour)


def _drawn(number: int, run: Run) -> str:
    x, y = PADDING + run.column * WIDTH, PADDING + HEIGHT * number + 14
    # The length is fixed so that columns line up in any font.
    length = f'textLength="{_columns(run.text) * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{x:.1f}" y="{y}" fill="{run.colour}" {length}>{escape(run.text)}</text>'


def printed(command: list[str]) -> str:
    """The output of the command in a terminal, with the sequences that colour it."""
    ours, its = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "LINES": "40", "TERM": "xterm"}
    with subprocess.Popen(  # noqa: S603  our own documentation
        [sys.executable, "-m", *command], stdin=subprocess.DEVNULL, stdout=its, stderr=its, env=environment
    ):
        os.close(its)
        text = b"".join(_read(ours))
    os.close(ours)
    return text.decode()


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # on Linux, the error says that the other end is closed
            return
        if not piece:
            return
        yield piece


def main() -> None:
    out, *command = sys.argv[1:]
    text = sys.stdin.read() if command == ["-"] else f"$ {shlex.join(command)}\n{printed(command)}"
    Path(out).write_text(picture(text))


if __name__ == "__main__":
    main()
