"""An upstream server on a real socket, and a connector that calls it."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from octo.connectors.http_client import Client, HttpClient, Rest
from octo.core.message import Message


class Upstream:
    """Answers with what the function makes of the request; remembers the requests."""

    def __init__(self) -> None:
        self.requests = []
        self.bodies = []
        self.answer = lambda request: web.json_response({"ok": True})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        self.requests.append(request)
        answer = self.answer(request)
        return await answer if hasattr(answer, "__await__") else answer

    def answers(self, *responses) -> None:
        """These one after the other, the last one for ever. A number is a status."""
        waiting = list(responses)

        def next_(request):
            each = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if isinstance(each, int):
                return web.Response(status=each, text=f"status {each}")
            return each(request) if callable(each) else each

        self.answer = next_


@pytest.fixture
async def start():
    """Starts further upstreams; answers the upstream, its url set."""
    servers = []

    async def run() -> Upstream:
        upstream = Upstream()
        app = web.Application(client_max_size=1 << 28)
        app.router.add_route("*", "/{path:.*}", upstream.handle)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        servers.append(server)
        upstream.url = f"http://127.0.0.1:{server.port}"
        upstream.server = server
        return upstream

    yield run
    for server in servers:
        await server.close()


@pytest.fixture
async def upstream(start):
    return await start()


class Pauses(list):
    """A sleep that only takes note."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


class Calls:
    """A client and what a block would do with it."""

    def __init__(self, client: HttpClient) -> None:
        self.client = client
        self.caller = client._caller
        self.pauses = Pauses()
        self.caller.retries.sleep = self.pauses
        self.caller.retries.chance = lambda: 0.0

    async def rest(self, message: Message | None = None, **settings) -> Message:
        return await self.client.rest(Rest.model_validate(settings), message or Message())


@pytest.fixture
def calling(upstream):
    """Opens a client of the upstream with these settings."""

    @asynccontextmanager
    async def opened(**settings):
        async with HttpClient.open(Client.model_validate({"baseURL": upstream.url, **settings})) as client:
            yield Calls(client)

    return opened


@pytest.fixture
async def calls(calling):
    """A client with default settings."""
    async with calling() as calls:
        yield calls
