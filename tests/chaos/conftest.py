"""What the kill loops of a session share."""

from __future__ import annotations

import pytest

from tests.chaos import lives, places


@pytest.fixture(scope="session")
def zygote():
    with lives.zygote() as forks:
        yield forks


@pytest.fixture(scope="session")
def postgres():
    with places.postgres() as found:
        yield found


@pytest.fixture
def services(request, tmp_path):
    """Empty services at the place that the test is for."""
    if request.param == "sqlite":
        return places.embedded(tmp_path)
    _, place = request.getfixturevalue("postgres")
    return place(tmp_path)
