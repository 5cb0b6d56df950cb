"""A real server of MCP, and connectors that are open."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from octo.ai.mcp.client import McpClient
from octo.ai.mcp.client.settings import Server

sys.path.insert(0, str(Path(__file__).parent))

from mcp_shop import Shop

HERE = Path(__file__).parent


@pytest.fixture(params=["2026-07-28", "2025-11-25"])
def revision(request):
    return request.param


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
async def url(shop):
    async with shop.serve() as url:
        yield url


def _opened(**settings):
    return McpClient.open(Server.model_validate(settings))


@pytest.fixture
def opened():
    """Makes a connector with these settings, to be entered."""
    return _opened


@pytest.fixture
def program():
    """The settings of a small server that is a program."""
    return {"command": sys.executable, "args": ["-I", "-S", str(HERE / "program.py")]}


@pytest.fixture
def shop_program():
    """The settings of the shop as a program."""
    return {"command": sys.executable, "args": [str(HERE / "mcp_shop.py")]}


@pytest.fixture
async def client(url, revision):
    """A connector to the shop, in each revision."""
    async with _opened(url=url, revision=revision) as client:
        yield client
