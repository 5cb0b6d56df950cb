"""Every error code can be looked up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from octo.cli.codes import HOMES, explanations

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"OCTO-[A-Z]\d{3}")

USED = {
    code: str(path.relative_to(ROOT))
    for path in sorted((ROOT / "octo").rglob("*.py"))
    for code in CODE.findall(path.read_text())
}


@pytest.mark.parametrize("code", sorted(USED))
def test_every_code_is_explained(code: str):
    """`octo explain` knows every code that the source contains."""
    assert code in explanations(), f"{code} in {USED[code]}"


@pytest.mark.parametrize("code", sorted(explanations()))
def test_every_explanation_helps(code: str):
    """A page has a title and says more than the title."""
    page = explanations()[code]

    assert CODE.fullmatch(code)
    assert page.title
    assert not page.title.endswith(".")
    assert len(page.text) > len(page.title)


def test_every_home_of_codes_is_listed():
    """`octo explain` reads a list of modules: every module with explanations must be on it."""
    homes = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "octo").rglob("*.py")
        if re.search(r"^EXPLANATIONS\b", path.read_text(), re.MULTILINE)
    }

    assert homes == set(HOMES)
