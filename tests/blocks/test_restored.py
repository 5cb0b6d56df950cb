"""A variable that was lent is afterwards as it was before."""

from __future__ import annotations

import pytest

from octo.blocks.restored import restored
from octo.core.flow import Drop, Stop
from octo.core.message import Message

LENT = Message(1, {"item": 2, "kept": 3})


@pytest.mark.parametrize(("before", "after"), [({}, {"kept": 3}), ({"item": 1}, {"kept": 3, "item": 1})])
def test_it_is_as_before_or_gone(before, after):
    assert dict(restored("item", Message(0, before), LENT).vars) == after
    assert dict(restored("item", Message(0, before), Stop(LENT)).message.vars) == after


def test_a_drop_has_no_variables():
    assert restored("item", Message(), Drop("no")) == Drop("no")
