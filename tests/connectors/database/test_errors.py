"""What to install when a driver's library is missing."""

from __future__ import annotations

import pytest

from octo.connectors.database.errors import no_library


@pytest.mark.parametrize(
    ("package", "extra", "cure"),
    [
        ("asyncpg", "postgres", "pip install 'octo-flows[postgres]'"),
        ("oracledb", "", "Octo does not bring it; install the driver beside Octo"),
    ],
)
def test_a_missing_library_is_named_with_its_cure(package, extra, cure):
    assert str(no_library("d", package, extra)) == f"driver d needs the Python package {package}: {cure}"
