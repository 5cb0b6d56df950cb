"""Edits that write what was meant."""

from __future__ import annotations

import pytest

from octo.cli.authoring.fixes import fix, with_fix
from octo.cli.check import findings


def fixed(text: str, word: str, meant: str) -> str | None:
    found = fix(text, text.index(word), ["other", word], meant)
    if found is None:
        return None
    assert text.count(found["find"]) == 1
    return text.replace(found["find"], found["replace"])


def test_the_line_is_replaced():
    assert fixed("a: 1\nfloes: []\nb: 2\n", "floes", "flows") == "a: 1\nflows: []\nb: 2\n"


def test_lines_before_make_it_the_only_place():
    """The same line elsewhere is left alone."""
    text = "one:\n  typ: x\ntwo:\n  typ: x\n"
    found = fix(text, text.rindex("typ"), ["typ"], "type")

    assert text.replace(found["find"], found["replace"]) == "one:\n  typ: x\ntwo:\n  type: x\n"
    assert text.count(found["find"]) == 1


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_quoted_word(quote):
    text = f"type: {quote}lgo{quote}\n"

    assert fix(text, 6, ["lgo"], "log") == {"find": text[:-1], "replace": f"type: {quote}log{quote}"}


def test_none_where_another_word_stands():
    assert fix("type: log\n", 6, ["lgo"], "log") is None
    assert fix("", 0, ["lgo"], "log") is None


def test_a_place_that_cannot_be_told_apart():
    text = "- lgo\n" * 20

    assert fix(text, text.index("lgo", 60), ["lgo"], "log") is None


FLOW = """\
flows:
  - name: a
    proces:
      - {type: lgo}
  - name: b
    process:
      - type: set-payload
        value: bdy.x + siz(body.y)
      - {type: set-variable, settings: {nme: x, value: body}}
"""


def test_problems_of_a_flow_file_go_away(tmp_path):
    """Fix after fix, until check has none that it can repair."""
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW)
    repaired = []
    for _ in range(10):
        problems = [with_fix(each.as_json()) for found in findings([path], compat=False) for each in found.problems]
        fixes = [each for each in problems if "fix" in each]
        if not fixes:
            break
        text = path.read_text()
        assert text.count(fixes[0]["fix"]["find"]) == 1
        path.write_text(text.replace(fixes[0]["fix"]["find"], fixes[0]["fix"]["replace"]))
        repaired.append(fixes[0]["code"])

    assert problems == []
    assert len(repaired) == 5


def test_what_has_no_place_has_no_fix():
    problem = {"hint": "did you mean `x`?", "line": 0, "column": 0, "file": "nowhere", "message": "`y`"}

    assert with_fix(problem) == problem
    assert with_fix({**problem, "line": 3, "column": 1}) == {**problem, "line": 3, "column": 1}
