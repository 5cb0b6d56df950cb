"""Fixture: covers a file of flows as a test run does."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from octo.config.load import load
from octo.core.flow import Failure
from octo.core.message import Message
from octo.engine.invoke import invoke
from octo.suite.coverage import Coverage


@pytest.fixture
def cover(plugins, tmp_path, monkeypatch):
    """Write `text` to `flows.yaml` and return what the calls, each a flow and a body, cover of it."""
    monkeypatch.chdir(tmp_path)

    def run(text, *calls):
        path = tmp_path / "flows.yaml"
        path.write_text(text.lstrip("\n"))
        coverage = Coverage()
        config = load(path.relative_to(tmp_path), plugins, {})
        coverage.add(config)
        for flow, body in calls:
            with contextlib.suppress(Failure):
                asyncio.run(invoke(config, flow, Message(body), 60, coverage))
        return coverage.result()

    return run
