"""Names as parts of subjects."""

from __future__ import annotations

import re

import pytest

from octo.services.nats import names
from octo.testing.services.suite import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_key_can_be_read_again(name):
    part = names.written(name)

    assert names.read(part) == name
    assert re.fullmatch(r"[\x21-\x7e]+", part)
    assert not set(part) & set(".*>")


def test_plain_names_stand_for_themselves_and_no_two_are_the_same():
    tokens = [names.token(name) for name in (*NAMES, "x" * 64, "x" * 65)]

    assert len(set(tokens)) == len(tokens)
    assert names.token("orders-2_b") == "orders-2_b"
    assert all(re.fullmatch(r"~?[A-Za-z0-9_-]{1,64}", token) for token in tokens)
    assert len({names.token("a", "b"), names.token("a\0b"), names.token("ab")} | {names.token("a", "bc")}) >= 3
