"""How far a system can close a process in, and what is missing, in words."""

from __future__ import annotations

import pytest

from octo_platform.enclosure import landlock, seccomp, support


@pytest.mark.parametrize(
    ("version", "filters", "level", "count"),
    [
        (7, True, "full", 0),
        (6, True, "full", 0),
        (7, False, "partial", 1),
        (5, True, "partial", 1),
        (3, True, "partial", 2),
        (0, True, "none", 3),
        (0, False, "none", 4),
    ],
)
def test_what_the_system_has_decides(monkeypatch, version, filters, level, count):
    monkeypatch.setattr(landlock, "version", lambda: version)
    monkeypatch.setattr(seccomp, "is_available", lambda: filters)

    assert (support.level(), len(support.missing())) == (level, count)


def test_other_systems_have_nothing(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")

    assert support.level() == "none"
