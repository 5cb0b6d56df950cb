"""Collections do not stop a service: full ones wait, and look only at what is younger than the configuration."""

from __future__ import annotations

import gc
import weakref

import pytest

from octo.engine.garbage import set_aside, without_full_collections


class Circle:
    def __init__(self):
        self.itself = self


@pytest.fixture
def _thawed():
    yield
    gc.unfreeze()


def test_there_is_no_full_collection_within():
    usual = gc.get_threshold()
    with without_full_collections():
        assert gc.get_threshold()[:2] == usual[:2]
        before = gc.get_stats()[2]["collections"]
        kept = [Circle() for _ in range(300_000)]
        assert gc.get_stats()[2]["collections"] == before
    assert len(kept) == 300_000
    assert gc.get_threshold() == usual


@pytest.mark.usefixtures("_thawed")
def test_what_lives_is_not_looked_at_any_more_and_still_freed():
    class Part:
        pass

    part = Part()
    gone, before = weakref.ref(part), gc.get_freeze_count()

    set_aside()
    assert gc.get_freeze_count() > before

    del part
    assert gone() is None


@pytest.mark.usefixtures("_thawed")
def test_young_circles_are_not_kept_for_good():
    """And what is old is not looked at for it."""
    gone, before = weakref.ref(Circle()), gc.get_stats()[2]["collections"]
    set_aside()
    assert gone() is None
    assert gc.get_stats()[2]["collections"] == before
