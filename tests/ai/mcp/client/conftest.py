"""A real server of MCP, and connectors that are open."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from octo.ai.mcp.client import McpClient
from octo.ai.mcp.client.settings import Server

sys.path.insert(0, str(Path(__file__).parent))

from shop import Shop

PROGRAM = {"command": sys.executable, "args": [str(Path(__file__).parent / "shop.py")]}


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


def opened(**settings):
    """A connector with these settings, to be entered."""
    return McpClient.open(Server.model_validate(settings))


@pytest.fixture(params=["http 2026-07-28", "http 2025-11-25", "program"])
async def client(request, url):
    """A connector to the shop, over each transport."""
    kind, _, revision = request.param.partition(" ")
    written = {"url": url, "revision": revision} if kind == "http" else PROGRAM
    async with opened(**written) as client:
        yield client


@asynccontextmanager
async def running_at(shop, port):
    async with shop.serve(port) as url:
        yield url
