"""A store with a changed byte, or without its end, is refused, or nothing is missing. `make chaos` tries thousands."""

from __future__ import annotations

from tests.chaos.damage import damaged


def test_a_damaged_store_is_refused_or_whole(tmp_path):
    found = list(damaged(tmp_path, 60, seed=7))

    assert [outcome for *_, outcome in found if outcome not in ("whole", "refused")] == []
    assert {(name, case.part) for name, case, outcome in found if outcome == "refused"} == {
        *(("closed", "octo.db"), ("killed", "octo.db"), ("killed", "octo.db-wal")),
    }
