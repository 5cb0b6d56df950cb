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


@pytest.fixture(scope="session")
def redis():
    with places.redis() as found:
        yield found


@pytest.fixture(scope="session")
def nats():
    with places.nats() as found:
        yield found


@pytest.fixture
def services(request, tmp_path):
    """Empty services at the place that the test is for."""
    if request.param == "sqlite":
        return places.embedded(tmp_path)
    _, place = request.getfixturevalue({"postgresql": "postgres"}.get(request.param, request.param))
    return place(tmp_path)
