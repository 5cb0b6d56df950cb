"""Print docs/same-answer.md, made of tests/acceptance/same_answer.yaml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parents[1] / "tests" / "acceptance" / "same_answer.yaml"
HEAD = """\
<!-- Made by scripts/same_answer.py of tests/acceptance/same_answer.yaml. -->
# The same file, the same answer

Look here whether a file for the Go implementation 0.1.8 answers the same in Octo: each line was different at first, and
says what is answered now. Where the answers still differ, [Differences](differences.md) says why.

Each line is a case of `tests/acceptance/test_same_answer.py`.
"""


def page() -> str:
    areas: list[dict[str, Any]] = yaml.safe_load(CASES.read_text())
    return HEAD + "".join(map(_section, areas))


def _section(area: dict[str, Any]) -> str:
    name = re.sub(r"[^a-z]+", "-", area["about"].lower()).strip("-")
    rows = "".join(_row(case, f"{name}-{number}") for number, case in enumerate(area["cases"], 1))
    return f"\n## {area['about']}\n\n| File | Message | There | Here | Test |\n|---|---|---|---|---|\n{rows}"


def _row(case: dict[str, Any], name: str) -> str:
    there, here = _answer(case["there"]), _answer(case.get("here", case["there"]))
    test = case["test"].partition("::")[2] if "test" in case else name
    cells = (_file(case), _message(case), there, "the same" if here == there else here, f"`{test}`")
    return f"| {' | '.join(cells)} |\n"


def _file(case: dict[str, Any]) -> str:
    if "about" in case:
        return str(case["about"])
    if "value" in case:
        return _code(case["value"])
    return _code(case.get("block") or case["file"])


def _message(case: dict[str, Any]) -> str:
    parts = [case.get("data"), case.get("stdin"), *case.get("ask", ())]
    if "run" in case:
        words = " ".join(each or "''" for each in case["run"])
        parts = [f"octo {words}", *parts]
    return "<br>".join(_code(each) for each in parts if each)


def _answer(answer: object) -> str:
    return "<br>".join(map(_code, answer)) if isinstance(answer, list) else _code(str(answer))


def _code(text: str) -> str:
    """The text as code in a cell of a table; two backticks around a text that has some."""
    line = " ".join(text.split()).replace("|", "\\|")
    return f"`` {line} ``" if "`" in line else f"`{line}`"


if __name__ == "__main__":
    print(page(), end="")
