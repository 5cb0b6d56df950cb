"""docs/testing.md ends with a reference generated from the models. `python tests/suite/test_reference.py` writes it."""

from __future__ import annotations

from pathlib import Path

from octo.config.shipped import shipped
from octo.suite.reference import MARK, reference

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
NEXT = "Next: [errors](errors.md)"


def fresh() -> str:
    written, _, _ = PAGE.read_text().partition(MARK)
    return f"{written.rstrip()}\n\n{MARK}\n\n{reference(shipped()).rstrip()}\n\n{NEXT}\n"


def test_the_reference_is_fresh():
    """It documents every key, stub and trigger with their docstrings."""
    assert PAGE.read_text() == fresh(), f"run `python {Path(__file__).relative_to(PAGE.parents[1])}`"


if __name__ == "__main__":
    PAGE.write_text(fresh())
