"""A small server of revision 2026-07-28 that answers calls of tools as a test says."""

from __future__ import annotations

from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

TOOL = {"name": "greet", "inputSchema": {"type": "object"}}
CACHED = {"resultType": "complete", "ttlMs": 60_000, "cacheScope": "private"}
DISCOVERED = {**CACHED, "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
HELLO = {"resultType": "complete", "content": [{"type": "text", "text": "hello"}]}


class Day:
    """A server of 2026-07-28 that answers calls of tools as a test says.

    seen: the headers of each request. cursor: where each page of its list says that there is more. pages: that were
    asked for.
    """

    def __init__(self):
        self.seen = []
        self.cursor = None
        self.pages = 0
        self.answers = []

    async def serve(self, request):
        message = await request.json()
        self.seen.append(request.headers)
        match message["method"]:
            case "server/discover":
                return result(message, DISCOVERED)
            case "tools/list":
                self.pages += 1
                more = {} if self.cursor is None else {"nextCursor": self.cursor}
                return result(message, {**CACHED, "tools": [TOOL], **more})
            case _:
                return await (self.answers.pop(0) if self.answers else answered)(request, message)


def result(message, value):
    return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": value})


async def answered(request, message):
    return result(message, HELLO)


class Older:
    """A server of 2025-11-25 with sessions. knows: those that it knows. answer: to who comes with another one.

    tools, called: its list, and what a call returns.
    """

    def __init__(self, tools=(TOOL,), called=None):
        self.tools = list(tools)
        self.called = {"content": []} if called is None else called
        self.knows = set()
        self.answer = None
        self._begun = 0

    async def serve(self, request):
        if request.method != "POST":
            return web.Response(status=405)
        message = await request.json()
        if message["method"] == "initialize":
            self._begun += 1
            self.knows.add(f"s{self._begun}")
            info = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}}
            answer = result(message, {**info, "serverInfo": {"name": "older", "version": "1"}})
            answer.headers["mcp-session-id"] = f"s{self._begun}"
            return answer
        if request.headers.get("mcp-session-id") not in self.knows:
            status, body = self.answer
            return web.Response(status=status, text=body, content_type="application/json")
        if "id" not in message:
            return web.Response(status=202)
        return result(message, {"tools": self.tools} if message["method"] == "tools/list" else self.called)

    @asynccontextmanager
    async def serving(self):
        """Yield its settings."""
        app = web.Application()
        app.router.add_route("*", "/mcp", self.serve)
        async with TestServer(app) as server:
            yield {"url": str(server.make_url("/mcp")), "revision": "2025-11-25"}
