#!/usr/bin/env python3
"""Print docs/platform-api.md: what is written there, and after its mark the table of codes made from the code."""

from __future__ import annotations

import sys
from pathlib import Path

from octo_platform.codes import CODES

PAGE = Path(__file__).parents[1] / "docs" / "platform-api.md"
MARK = "<!-- The rest is made by `make docs` from octo_platform/codes.py. -->"


def page() -> str:
    """The whole page."""
    written, _, _ = PAGE.read_text().partition(MARK)
    rows = [f"| `{code}` | {status} | {title} |" for code, (status, title) in sorted(CODES.items())]
    table = "\n".join(["| Code | Status | |", "|---|---|---|", *rows])
    return f"{written.rstrip()}\n\n{MARK}\n\n## All codes\n\n{table}\n"


if __name__ == "__main__":
    sys.stdout.write(page())
