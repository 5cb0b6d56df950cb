"""File numbers that run out are told once, and so is when there are enough again."""

import asyncio
import logging

import pytest

from octo.core import descriptors
from octo.operations.files import EVERY, Files
from octo.testing.clock import virtual


@pytest.fixture
def use(monkeypatch):
    """Says how many of 64 file numbers are in use; 48 are plenty."""
    monkeypatch.setattr(descriptors, "limit", lambda: 64)
    monkeypatch.setattr(descriptors, "plenty", lambda: 48)
    return lambda used: monkeypatch.setattr(descriptors, "used", lambda: used)


def test_it_is_told_once_and_once_when_it_is_over(use, caplog):
    """Not once per look, and not while the number goes up and down at the border."""
    files = Files()
    with caplog.at_level(logging.INFO):
        for used in (10, 48, 64, 47, 48, 41, 20, 48):
            use(used)
            files.look()

    assert [(each.levelname, each.fields["used"]) for each in caplog.records] == [
        ("WARNING", 48),
        ("INFO", 41),
        ("WARNING", 48),
    ]
    assert "ulimit" in caplog.records[0].fields["cure"]


@virtual()
async def test_it_looks_every_second(use):
    files = Files()
    use(60)
    files.start()
    await asyncio.sleep(EVERY * 1.5)
    assert files.is_short
    use(1)
    await asyncio.sleep(EVERY)
    assert not files.is_short
    files.stop()
    use(60)
    await asyncio.sleep(EVERY * 5)
    assert not files.is_short
