"""Ids are UUIDs of version 7, and sort by time."""

from __future__ import annotations

from uuid import UUID

from octo_platform import ids


def test_they_sort_by_the_time_they_were_made(monkeypatch):
    times = iter(range(1_700_000_000_000_000_000, 1_800_000_000_000_000_000, 10**15))
    monkeypatch.setattr(ids.time, "time_ns", lambda: next(times))
    made = [ids.new_id() for _ in range(50)]
    assert made == sorted(made)
    assert len({*made}) == 50
    for each in made:
        assert (UUID(each).version, UUID(each).variant) == (7, "specified in RFC 4122")
