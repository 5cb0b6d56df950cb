"""For a misspelt word the word that was meant is found, and no other."""

import sys

import pytest

from octo.expr import nearest


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("nmae", "name"),
        ("NAME", "name"),
        ("naem", "name"),
        ("nam", "name"),
        ("quantty", "quantity"),
        ("upper", "upperAscii"),
        ("zebra", None),
        ("x" * 500, None),
    ],
)
def test_nearest(word, found):
    assert nearest(word, ["name", "quantity", "price", "upperAscii"]) == found


def test_nothing_is_near_to_nothing():
    assert nearest("name", []) is None


def test_the_work_does_not_grow_with_the_candidates(monkeypatch):
    """They may be the keys of a message: 2,000 keys of 80 characters took seconds."""
    module = sys.modules["octo.expr.nearest"]
    compared = []
    monkeypatch.setattr(module, "_distance", lambda left, right: compared.append(len(left) * len(right)) or 99)
    nearest("x" * 80, [f"{number:080}" for number in range(2_000)])
    assert sum(compared) <= module.MAX_WORK
