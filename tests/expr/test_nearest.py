"""For a misspelt word the word that was meant is found, and no other."""

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
