"""Large values as fewer bytes."""

from __future__ import annotations

import random

import pytest

from octo.services import limits, squeezed, values

CHANCE = random.Random(7)


@pytest.mark.parametrize("data", [b"", b"=", b"z", b"x" * squeezed.LARGE, CHANCE.randbytes(squeezed.LARGE + 1)])
def test_what_was_squeezed_is_expanded(data):
    assert squeezed.expanded(squeezed.squeezed(data)) == data


def test_the_largest_values_fit():
    """In JSON each character may be escaped."""
    text = "".join(chr(CHANCE.randrange(1, 32)) for _ in range(limits.LARGEST_VALUE - 2))
    for value in (text, CHANCE.randbytes(limits.LARGEST_VALUE), [b""] * (limits.LARGEST_VALUE - 2)):
        assert limits.size(value)
        assert len(squeezed.squeezed(values.sealed(value, "q"))) < squeezed.MOST


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"z", b"z" + bytes(8), b"z" + bytes(9), b"z" + b"\0" * 7 + b"\x05abcde", b"z" + b"\xff" * 8 + b"x"],
)
def test_anything_else_is_refused(data):
    with pytest.raises(ValueError, match=r"."):
        squeezed.expanded(data)


def test_no_more_is_unpacked_than_was_packed():
    packed = squeezed.squeezed(bytes(squeezed.LARGE))
    small = packed[:1] + (10).to_bytes(8, "big") + packed[9:]
    with pytest.raises(ValueError, match="not as many"):
        squeezed.expanded(small)
