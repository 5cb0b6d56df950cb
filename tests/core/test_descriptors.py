"""File numbers: the limit is raised, and listeners together leave a reserve."""

import contextlib
import errno
import logging
import os
import resource

import pytest

from octo.core import descriptors
from octo.core.descriptors import Share


@pytest.fixture
def limited(monkeypatch):
    """A process that may have this many file numbers and uses that many."""

    def limit(soft, used=20):
        monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, resource.RLIM_INFINITY))
        monkeypatch.setattr(descriptors, "used", lambda: used)

    monkeypatch.setattr(descriptors, "_shares", [])
    return limit


@pytest.mark.parametrize(("limit", "reserve"), [(64, 16), (1024, 256), (1_000_000, 256)])
def test_all_listeners_together_leave_the_reserve(limited, limit, reserve):
    limited(limit)
    shares = [Share().most for _ in range(5)]

    assert descriptors.reserve() == reserve
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == (limit - reserve - 20) // 2
    assert sum(shares) <= limit - reserve - 20


def test_a_listener_that_closes_gives_its_share_back(limited):
    limited(1024)
    first = Share()
    first.close()

    assert Share().most == first.most


def test_a_listener_may_always_have_one_connection(limited):
    limited(64, used=60)
    assert Share().most == 1


def test_where_there_is_no_limit_the_share_is_large(limited):
    limited(resource.RLIM_INFINITY)
    assert Share().most > 100_000


def test_few_are_left_when_a_listener_may_be_at_its_limit(limited):
    """Or when the reserve begins."""
    limited(64)
    assert descriptors.plenty() == 48
    share = Share()
    assert descriptors.plenty() == 20 + share.most


def test_those_in_use_are_counted_by_the_lowest_free_one():
    before = descriptors.used()
    with contextlib.ExitStack() as files:
        for _ in range(5):
            files.enter_context(open(os.devnull))  # noqa: PTH123
        assert descriptors.used() >= before + 4
    assert descriptors.used() == before


def test_when_none_is_left_all_are_in_use(monkeypatch):
    def full(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "open", full)
    assert descriptors.used() == descriptors.limit()


def test_a_system_that_opens_nothing_for_another_reason_is_an_error(monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError):
        descriptors.used()


def test_the_limit_is_raised_as_far_as_may_be_and_the_log_says_so(monkeypatch, caplog):
    limits = [256, 4096]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: limits.__setitem__(slice(None), both))
    with caplog.at_level(logging.INFO):
        descriptors.raise_limit()
        descriptors.raise_limit()

    assert limits == [4096, 4096]
    assert [each.fields for each in caplog.records] == [{"limit": 4096, "was": 256}]


def test_a_system_that_does_not_raise_it_is_left_alone(monkeypatch):
    def refuse(*_):
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    descriptors.raise_limit()
