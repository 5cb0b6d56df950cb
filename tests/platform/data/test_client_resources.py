"""The files of a deployment's version, over the data plane."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from octo.services.platform import store
from octo.services.platform.address import Address
from octo.services.platform.resources import Files
from octo.testing.services import RESOURCES
from octo.testing.services.resources import CONTENT
from octo_platform.data.routes import own


@pytest.mark.parametrize("check", RESOURCES.checks, ids=lambda check: check.__name__)
async def test_the_platform_keeps_its_promises(check, served, monkeypatch):
    """Whatever the files are called, and however large they are: more than the platform itself lets in."""
    monkeypatch.setattr(own, "unpacked", lambda _: CONTENT)

    @asynccontextmanager
    async def opened():
        async with store.opened(Address(*served)) as found:
            yield Files(found)

    await RESOURCES.run_one(check, opened)
