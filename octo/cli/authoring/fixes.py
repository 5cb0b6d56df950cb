"""The edit that makes a problem go away, where its hint says what was meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from octo.config.yaml import MOST_BYTES

_MEANT = re.compile(r"""[Dd]id you mean [`'"]([^`'"\n]+)[`'"]""")
_QUOTED = re.compile(r"""[`'"]([^`'"\n]+)[`'"]""")
_MOST_LINES = 6
"""Lines of a `find`, at most: it must be in the file once."""


def with_fix(problem: Mapping[str, Any]) -> dict[str, Any]:
    """The problem, with an edit under `fix` if there is one."""
    found = _fix(problem)
    return {**problem} if found is None else {**problem, "fix": found}


def _fix(problem: Mapping[str, Any]) -> dict[str, str] | None:
    meant = _MEANT.search(problem["hint"] or "")
    if meant is None or not problem["line"] or not problem["column"]:
        return None
    try:
        with Path(problem["file"]).open("rb") as file:
            text = file.read(MOST_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        return None
    lines = text.split("\n")
    if problem["line"] > len(lines):
        return None
    at = sum(len(line) + 1 for line in lines[: problem["line"] - 1]) + problem["column"] - 1
    return fix(text, at, _QUOTED.findall(problem["message"]), meant[1])


def fix(text: str, at: int, wrong: list[str], meant: str) -> dict[str, str] | None:
    """The edit that writes what was meant, if one of the wrong words stands there."""
    at += text[at : at + 1] in ("'", '"')
    word = max((each for each in wrong if text.startswith(each, at)), key=len, default="")
    if not word:
        return None
    end = text.find("\n", at + len(word))
    end = len(text) if end < 0 else end
    begin = at
    for _ in range(_MOST_LINES):
        begin = text.rfind("\n", 0, max(0, begin - 1)) + 1  # of the line, and then of the one before it
        found = text[begin:end]
        if text.count(found) == 1:
            return {"find": found, "replace": f"{text[begin:at]}{meant}{text[at + len(word) : end]}"}
    return None
