"""What was held too long is named in the error, which the log may have: a long name is cut."""

from __future__ import annotations

import pytest

from octo.services import codes
from octo.services.ports import Lease, Received


@pytest.mark.parametrize("held", [Lease("n" * 512, 1), Received("n" * 512, "id", None, 1, None)])
def test_who_was_too_slow_is_told_what_it_lost(held):
    error = held.lost()

    assert error.code == codes.LOST
    assert "n" * 80 in str(error)
    assert "n" * 81 not in str(error)
