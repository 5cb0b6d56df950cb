"""A target with real processes."""

from __future__ import annotations

import zlib

import pytest

from octo.core.backoff import Backoff
from octo_platform.deploy.desired import Desired
from octo_platform.deploy.local import opened, place, recipe
from tests.platform.deploy.local.scene import CODE, FLOW


@pytest.fixture
def wanted():
    """A desired state; each call may change some of it."""

    def make(generation=1, flow=FLOW, **changed):
        files = {"flow.yaml": flow.encode(), "code.py": CODE.encode()} | changed.pop("files", {})
        usual = {
            "deployment": "d1",
            "workspace": "w",
            "environment": "e",
            "integration": "i",
            "slug": "words",
            "generation": generation,
            "tag": f"v{generation}",
            "hash": f"h{zlib.crc32(flow.encode()):x}",
            "files": files,
            "port": 8080,
            "traces": False,
            "drain": 10.0,
        }
        return Desired(**(usual | changed))

    return make


@pytest.fixture
def opening(tmp_path, monkeypatch):
    """Open a target over the folder of the test. Its instances stop sooner, and are started again sooner."""
    monkeypatch.setattr(recipe, "STOP_DELAY", 0.05)
    monkeypatch.setattr(place, "PAUSES", Backoff(first=0.1, longest=30.0, factor=20.0))
    return lambda **options: opened(tmp_path / "root", **options)
