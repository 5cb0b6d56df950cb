"""Fixtures: a made-up subject, and a port that serves it."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager

import pytest

from octo.engine.metrics import BOUNDS
from octo.operations.address import parse
from octo.operations.client import Client
from octo.operations.guard import Guard
from octo.operations.routes import ROUTES, index
from octo.operations.server import serving
from octo.operations.web import App


def counts(*durations):
    """Return the value of a histogram with one message in each of the buckets with these indexes."""
    found = [0] * (len(BOUNDS) + 1)
    for bucket in durations:
        found[bucket] += 1
    return {"counts": found, "sum": 0.5 * len(durations)}


OPEN = Guard()


class Made:
    """A subject with fixed results."""

    def __init__(self, why=(), trouble=(), **metrics):
        self.why = list(why)
        self.trouble = list(trouble)
        self.metrics = {"octo_ready": [((), 1)], **metrics}
        self.set_to = "info"

    async def reasons(self):
        return self.why

    async def notes(self):
        return self.trouble

    async def snapshot(self):
        return self.metrics

    async def letters(self):
        return [{"group": "3f2a", "count": 2}]

    async def facts(self):
        process = {
            "process": 0,
            "pid": 7,
            "started": "2026-01-01T00:00:00.000Z",
            "ready": not self.why,
            "reasons": self.why,
            "generation": None,
        }
        return {
            "version": "1.2.3",
            "python": "3.11.7",
            "name": "shop",
            "config": "shop.yaml",
            "started": "2026-01-01T00:00:00.000Z",
            "uptime": 14.3,
            "generation": None,
            "refused": None,
            "flows": [{"name": "orders", "source": None, "broken": None}],
            "connectors": [],
            "processes": [process],
        }

    async def flows(self):
        return [{"name": "orders"}]

    async def level(self):
        return self.set_to

    async def set_level(self, level):
        self.set_to = level


@asynccontextmanager
async def served(app):
    """Provide a client of a port that `app` serves."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    host, port = listening.getsockname()
    async with serving(app, listening):
        yield Client(parse(f"{host}:{port}"))


@pytest.fixture
def ask():
    """Send a request to the routes of a subject; return the response."""
    from octo.operations.web import Request

    async def send(state, method, path, body=b"", guard=OPEN, **headers):
        app = App(state, guard, (index(ROUTES), *ROUTES))
        return await app(Request(method, path, {}, {"host": "localhost", **headers}, body))

    return send


@pytest.fixture
def made():
    return Made


@pytest.fixture
def histogram():
    return counts


@pytest.fixture
def serve():
    return served
