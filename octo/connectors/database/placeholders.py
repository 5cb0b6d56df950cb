"""Rewrite a query's placeholders for the driver below SQLAlchemy: authors always write `?` or `$1`."""

from __future__ import annotations

import functools
import re

_TOKEN = re.compile(
    r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|(?P<mark>\?|\$(?P<number>\d+))|(?P<percent>%)",
    re.DOTALL,
)


@functools.lru_cache(maxsize=1024)
def rewritten(query: str, style: str) -> str:
    """Return the query with its placeholders in the notation of `style` (PEP 249); quoted text stays as it is."""
    count = 0

    def replace(found: re.Match[str]) -> str:
        nonlocal count
        if found["mark"]:
            count += 1
            return _mark(style, int(found["number"] or count))
        # In these two notations every percent sign is doubled, in quotes too.
        return found[0].replace("%", "%%") if style in ("format", "pyformat") else found[0]

    return _TOKEN.sub(replace, query)


def _mark(style: str, number: int) -> str:
    return {"format": "%s", "pyformat": "%s", "numeric": f":{number}", "numeric_dollar": f"${number}"}.get(style, "?")
