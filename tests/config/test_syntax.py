"""Errors of the YAML parser in the words of its users."""

from __future__ import annotations

import re

import pytest

from octo.config.report import Report
from octo.config.yaml import read

JARGON = re.compile(r"token|scalar|block mapping|flow sequence|context|node|indicator|simple key", re.IGNORECASE)

BROKEN = [
    "a:\n\t- 1\n",
    "a: 1\n\tb: 2\n",
    "- a\nb: 1\n",
    "a:\n  - b\n - c\n",
    "a: 'x' y\n",
    "a: {b: 1\n",
    "a: [1\n",
    "a: `x`\n",
    "a: %x\n",
    "a: *\n",
    "a: &\n",
    "a: !x!y z\n",
    "a: 1\nb\nc: 2\n",
    "}\n",
    "a: 1\n}\n",
    "%YAML 3.0\n---\na: 1\n",
    'a: "\\xZZ"\n',
    "a: 'x\n---\nb: 1\n",
    "? [a]\n: b\n",
    "a: - b\n",
    "a: b\n c: d\n",
]


@pytest.mark.parametrize("text", BROKEN)
def test_no_parser_jargon(text: str):
    """Each text has one problem with a line and a hint, and without a word that only authors of parsers know."""
    report = Report()

    read(text.encode(), "f", report)

    (problem,) = report.problems
    assert problem.at.line > 0
    assert problem.hint
    assert not JARGON.search(f"{problem.message} {problem.hint}")


def test_a_tab_is_found_where_it_stands():
    report = Report()

    read(b"a:\n  b: 1\n  \tc: 2\n", "f", report)

    assert [(each.at.line, each.at.column, each.code) for each in report.problems] == [(3, 3, "OCTO-C104")]
