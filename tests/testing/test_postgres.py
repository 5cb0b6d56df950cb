"""The throw-away PostgreSQL of the test kit; the tests of the database connector show that it works."""

from pathlib import Path

import pytest

from octo.testing import postgres


def test_without_a_server_the_error_says_what_to_install(monkeypatch):
    """The error says how to install PostgreSQL."""
    monkeypatch.setattr(postgres.shutil, "which", lambda _: None)
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with pytest.raises(postgres.Missing, match="apt install postgresql"):
        postgres.binaries()
