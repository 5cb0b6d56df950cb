"""Values as bytes."""

from __future__ import annotations

import pytest

from octo.services import values
from octo.services.values import Damaged
from octo.testing.services.suite import VALUES, assert_same


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_value_comes_back(value):
    assert_same(values.opened(values.sealed(value, "orders", 7), "orders", 7), value)


def test_a_changed_byte_is_found():
    """In the value as in its checksum."""
    stored = values.sealed({"a": 1}, "orders", 7)
    for at in range(len(stored)):
        damaged = bytearray(stored)
        damaged[at] ^= 1
        with pytest.raises(Damaged):
            values.opened(bytes(damaged), "orders", 7)


@pytest.mark.parametrize("place", [("orders", 8), ("Orders", 7), ("orders",)])
def test_a_value_in_another_place_is_found(place):
    with pytest.raises(Damaged, match="not as it was written"):
        values.opened(values.sealed({"a": 1}, "orders", 7), *place)


@pytest.mark.parametrize("stored", [None, "text", b"", b"abc"])
def test_what_is_no_stored_value_is_found(stored):
    with pytest.raises(Damaged):
        values.opened(stored, "orders")
