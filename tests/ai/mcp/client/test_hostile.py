"""Servers that answer anything at all: each call ends, with a value or an error of Octo, and the connector lives on."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings, strategies as st
from mcp_day import CACHED, DISCOVERED, TOOL, answered

from octo.ai.mcp.client import McpClient, child
from octo.ai.mcp.client.settings import Server
from octo.core.errors import OctoError

ODD = st.sampled_from(["", "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"), "\x00", "a" * 5000])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | ODD
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
KEYS = {
    "content": st.lists(st.fixed_dictionaries({"type": st.sampled_from(["text", "image", "resource"])}) | VALUES),
    "structuredContent": VALUES,
    "isError": VALUES,
    "resultType": st.sampled_from(["complete", "input_required", "task", "x"]) | VALUES,
    "inputRequests": st.dictionaries(st.text(max_size=5), VALUES, max_size=2),
    "requestState": st.text(max_size=5) | VALUES,
    "ttlMs": VALUES,
    "cacheScope": VALUES,
    "nextCursor": st.just("again") | VALUES,
    "tools": st.lists(
        st.fixed_dictionaries(
            {"name": st.text(max_size=5) | VALUES, "inputSchema": st.just({"type": "object"}) | VALUES},
            optional={"description": VALUES, "outputSchema": VALUES, "title": VALUES, "annotations": VALUES},
        ),
        max_size=4,
    ),
}
RESULTS = st.fixed_dictionaries({}, optional=KEYS) | VALUES
MESSAGES = st.one_of(
    RESULTS.map(lambda value: {"result": value}),
    st.fixed_dictionaries({"error": st.fixed_dictionaries({"code": VALUES, "message": VALUES}) | VALUES}),
    VALUES.map(lambda value: value if isinstance(value, dict) else {"x": value}),
)
STATUSES = st.sampled_from([200, 200, 200, 202, 204, 301, 400, 404, 409, 500, 503])
KINDS = st.sampled_from(["application/json", "application/json", "text/event-stream", "text/html", ""])


def written(message, identifier):
    return json.dumps({"jsonrpc": "2.0", "id": identifier, **message}, allow_nan=True)


class Hostile:
    """Answers lists and calls with what it was given."""

    def __init__(self, listed, called, status, kind):
        self.listed, self.called, self.status, self.kind = listed, called, status, kind

    async def serve(self, request):
        asked = await request.json()
        if asked["method"] == "server/discover":
            return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": DISCOVERED})
        if asked["method"] == "tools/list" and self.listed is None:
            return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": {**CACHED, "tools": [TOOL]}})
        if asked["method"] == "tools/call" and self.called is None:
            return await answered(request, asked)
        text = written(self.called if asked["method"] == "tools/call" else self.listed, asked["id"])
        if self.kind == "text/event-stream":
            text = f"event: message\ndata: {text}\n\n"
        headers = {"Content-Type": self.kind} if self.kind else {}
        return web.Response(status=self.status, body=text.encode(errors="replace"), headers=headers)


async def ended(waiting):
    """Return once it has ended in a way that a flow understands."""
    with contextlib.suppress(OctoError):
        await waiting


async def visited(server):
    app = web.Application()
    app.router.add_post("/mcp", server.serve)
    async with TestServer(app) as http:
        written_settings = {"url": str(http.make_url("/mcp")), "timeout": "2s"}
        async with McpClient.open(Server.model_validate(written_settings)) as client:
            await ended(client.tools())
            await ended(client.call("greet", {}))
            server.listed = server.called = None
            client._link._session.shelf.outdate()
            await asyncio.sleep(0)
            client._link._session.shelf._until = 0.0

            assert (await client.call("greet", {})).content == "hello"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MESSAGES, STATUSES, KINDS)
def test_whatever_a_server_answers_to_a_call(message, status, kind):
    asyncio.run(visited(Hostile(None, message, status, kind)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MESSAGES, STATUSES, KINDS)
def test_whatever_a_server_says_of_its_tools(message, status, kind):
    asyncio.run(visited(Hostile(message, None, status, kind)))


LINES = st.lists(MESSAGES.map(lambda each: written(each, 1)) | st.text(max_size=30), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES)
def test_whatever_a_program_writes(lines):
    """It ends at once, so that opening fails: but it fails as a flow understands, and never hangs."""
    text = "\n".join(lines) + "\n"

    async def start():
        script = "cat <<'END_OF_IT'\n" + text.replace("\x00", "").encode(errors="replace").decode() + "END_OF_IT\n"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(child, "GRACE", 0.2)
            written_settings = {"command": "sh", "args": ["-c", script], "timeout": "5s"}
            with pytest.raises(OctoError):
                async with McpClient.open(Server.model_validate(written_settings)) as client:
                    await client.tools()

    asyncio.run(start())
