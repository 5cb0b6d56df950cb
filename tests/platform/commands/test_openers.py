"""What the targets are opened with."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo_platform.commands.openers import walls
from octo_platform.options import Options


def test_everything_that_the_platform_keeps_is_hidden_and_its_port_closed(tmp_path, monkeypatch):
    """Also if it was named relative to where the platform stands: deployments stand elsewhere."""
    monkeypatch.chdir(tmp_path)
    found = walls(Options(folder=Path("kept"), port=8321, database="sqlite:more/octo.db"))

    database = str(tmp_path / "more" / "octo.db")
    assert found.hides == (
        str(tmp_path / "kept"),
        database,
        f"{database}-wal",
        f"{database}-shm",
        f"{database}-journal",
    )
    assert (found.ports, found.is_required) == ((8321,), False)


def test_a_database_elsewhere_has_no_files_here(tmp_path):
    assert walls(Options(folder=tmp_path, database="postgresql://octo@db/octo")).hides == (str(tmp_path),)


@pytest.mark.parametrize(("wanted", "required"), [("required", True), ("preferred", False)])
def test_how_far_they_are_closed_in_is_an_option(tmp_path, wanted, required):
    assert walls(Options(folder=tmp_path, local_isolation=wanted)).is_required is required
    assert walls(Options(folder=tmp_path, local_isolation="off")) is None
