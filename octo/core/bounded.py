"""Texts of errors and log lines have a bounded length, whoever wrote what they quote: a client, a server or a database.

This is the one place where they are cut. Errors cut their text when they are made, the log each field of a line.
"""

from __future__ import annotations

from octo.core.secrets import masked

MOST = 2_000
"""Characters of a text."""


def bounded(text: str, most: int = MOST) -> str:
    """Return the text; of one with more than `most` characters the beginning and the end, and how many it has.

    Secrets are masked before a long text is cut: a part of a secret would not be recognised.
    """
    if len(text) <= most:
        return text
    whole = masked(text)
    if len(whole) <= most:
        return whole
    tail = most // 4
    return f"{whole[: most - tail]} ... <{len(text)} characters> ... {whole[-tail:]}"
