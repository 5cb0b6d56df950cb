"""Draw a command and what it prints as an SVG picture of a terminal: `picture.py OUT.svg octo why ...`.

The documentation's pictures are made by `make pictures`, so they show what the commands print and not what somebody
remembers of it.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from html import escape
from pathlib import Path

WIDTH, HEIGHT, PADDING = 8.4, 18, 16
FONTS = "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace"
COLOURS = {"background": "#11161d", "text": "#e6edf3", "prompt": "#36d399"}


def picture(command: list[str], printed: str) -> str:
    """The SVG of a terminal in which `command` printed this."""
    lines = [f"$ {shlex.join(command)}", *printed.rstrip("\n").split("\n")]
    columns = max(map(len, lines))
    width, height = round(columns * WIDTH + 2 * PADDING), len(lines) * HEIGHT + 2 * PADDING
    rows = "\n".join(_row(number, line) for number, line in enumerate(lines))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="{COLOURS["background"]}"/>\n'
        f'<g font-family="{FONTS}" font-size="14" xml:space="preserve">\n'
        f"{rows}\n</g>\n</svg>\n"
    )


def _row(number: int, line: str) -> str:
    colour = COLOURS["prompt" if number == 0 else "text"]
    y = PADDING + HEIGHT * number + 14
    # The length is fixed so that columns stand under one another whatever font the reader has.
    length = f' textLength="{len(line) * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs"' if line else ""
    return f'<text x="{PADDING}" y="{y}" fill="{colour}"{length}>{escape(line)}</text>'


def main() -> None:
    out, *command = sys.argv[1:]
    done = subprocess.run(  # noqa: S603  our own documentation
        [sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    Path(out).write_text(picture(command, done.stdout))


if __name__ == "__main__":
    main()
