"""What is under way at once is bounded, in all and for each who asks."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from octo_platform.problem import Problem
from octo_platform.shares import Shares


def test_one_who_takes_much_leaves_the_rest_to_others():
    shares = Shares("streams", most=3, each=2)
    with ExitStack() as stack:
        for who in ("ann", "ann"):
            stack.enter_context(shares.taken(who))
        with pytest.raises(Problem) as caught, shares.taken("ann"):
            raise AssertionError
        assert (caught.value.code, caught.value.headers) == ("busy", {"Retry-After": "2"})
        assert "2 streams of yours" in caught.value.detail
        stack.enter_context(shares.taken("bob"))
        with pytest.raises(Problem, match="too many streams"), shares.taken("eve"):
            raise AssertionError


def test_what_ends_is_given_back_however_it_ends():
    shares = Shares("streams", most=1, each=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), shares.taken("ann"):
            raise ValueError("broken")
    with shares.taken("bob"):
        pass
    assert not shares._taken, "who has nothing under way takes no memory"
