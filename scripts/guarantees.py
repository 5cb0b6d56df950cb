#!/usr/bin/env python3
"""Print docs/guarantees.md: what is written there, and after its mark the tables made from the catalogue."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from octo.config.shipped import shipped

PAGE = Path(__file__).parents[1] / "docs" / "guarantees.md"
MARK = "<!-- The rest is made by `make docs` from the declarations in the code. -->"

Described = dict[str, Any]


def page(known: Described) -> str:
    """The whole page."""
    written, _, _ = PAGE.read_text().partition(MARK)
    sources = [
        row for connector in known["connectors"] for each in connector["sources"] for row in rows(each, "source")
    ]
    blocks = [row for each in known["blocks"] for row in rows(each, "block")]
    tables = [
        "## All sources",
        table(("Source", "Guarantee", "Order"), sources),
        "## All blocks that change something outside",
        table(("Block", "Guarantee", "Order", "Idempotent"), blocks),
        "Next: [operations](operations.md)",
    ]
    return "\n\n".join([written.rstrip(), MARK, *tables]) + "\n"


def rows(each: Described, kind: str) -> Iterator[tuple[str, ...]]:
    for promise in each["promises"]:
        name = promise["when"] or f"[`{each['type']}`](reference.md#{each['type']}-{kind})"
        more = (promise["idempotent"],) if kind == "block" else ()
        yield (name, promise["guarantee"], ", ".join(promise["steps"]), *more)


def table(heads: tuple[str, ...], found: list[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (heads, *found)]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]])


if __name__ == "__main__":
    sys.stdout.write(page(shipped()))
