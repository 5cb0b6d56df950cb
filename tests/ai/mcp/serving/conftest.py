"""Routers that run, and requests to them as a flow sees them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import count

import pytest

from octo.testing import running

CAPABILITIES = {"elicitation": {}, "sampling": {}, "roots": {}}


class Asking:
    """A client of a router, which puts its requests where an `http` source would."""

    def __init__(self, app) -> None:
        self.app = app
        self._ids = count(1)

    async def post(self, body, **variables):
        """The status and the body of the response."""
        message = await self.app.call("mcp", body, variables)
        return message.vars["httpStatus"], message.body

    async def request(self, method, params=None, **variables):
        """What a request of an older revision is answered."""
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params or {}}
        _, answer = await self.post(body, **variables)
        assert answer["id"] == body["id"]
        return answer.get("result") or answer["error"]

    async def modern(self, method, params=None, capabilities=None, **variables):
        """What a request of revision 2026-07-28 is answered."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": CAPABILITIES if capabilities is None else capabilities,
        }
        return await self.request(method, {**(params or {}), "_meta": meta}, **variables)

    async def call(self, name, arguments=None, **variables):
        return await self.request("tools/call", {"name": name, "arguments": arguments or {}}, **variables)


@pytest.fixture
def router():
    """Run a configuration whose flow `mcp` has a router with these settings."""

    @asynccontextmanager
    async def run(settings: str, more: str = "", **options):
        lines = "".join(f"          {line}\n" for line in settings.strip("\n").splitlines())
        text = f"flows:\n  - name: mcp\n    process:\n      - type: mcp-router\n        settings:\n{lines}{more}"
        async with running(text, **options) as app:
            yield Asking(app)

    return run


@pytest.fixture(scope="session")
def asking():
    """Makes the client of a configuration that runs, whose flow `mcp` has a router."""
    return Asking
