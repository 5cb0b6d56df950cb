"""A real Redis for the tests of the connector; each test process has its own."""

from __future__ import annotations

import pytest

from octo.core.message import new_id
from octo.testing.redis import Redis
from octo.testing.servers import Missing


@pytest.fixture(scope="session")
def redis():
    try:
        with Redis.started() as server:
            yield server
    except Missing as error:
        pytest.fail(str(error))


@pytest.fixture
def name():
    """The name of a stream or channel of this test alone."""
    return f"t{new_id()[:20]}"


@pytest.fixture
def ask(redis):
    """Run a command; returns its reply, with texts for bytes."""

    def run(*command):
        return _parsed(redis.ask(*map(str, command)).decode(errors="replace").split("\r\n"))

    return run


def _parsed(lines):
    line = lines.pop(0)
    kind, rest = line[0], line[1:]
    if kind == "*":
        return [_parsed(lines) for _ in range(int(rest))]
    if kind == "$":
        return None if rest == "-1" else lines.pop(0)
    if kind == "-":
        raise AssertionError(rest)
    return int(rest) if kind == ":" else rest
