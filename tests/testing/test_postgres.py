"""The throw-away PostgreSQL of the test kit; that it works is shown by the tests of the database connector."""

from pathlib import Path

import pytest

from octo.testing import postgres


def test_without_a_server_the_error_says_what_to_install(monkeypatch):
    """Nobody has to guess why the tests cannot run."""
    monkeypatch.setattr(postgres.shutil, "which", lambda _: None)
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with pytest.raises(postgres.Missing, match="apt install postgresql"):
        postgres.binaries()
