"""A small server of revision 2026-07-28 that answers calls of tools as a test says."""

from __future__ import annotations

from aiohttp import web

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
