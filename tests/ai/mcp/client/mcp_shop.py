"""A server of the official SDK that the tests call: over HTTP in their own process, over stdio as a program."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from collections import Counter
from contextlib import asynccontextmanager
from typing import Annotated

import mcp_types as types
import uvicorn
from mcp.server import MCPServer
from mcp.server.caching import CacheHint
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ToolsListChanged
from pydantic import BaseModel

PIXEL = base64.b64encode(b"a picture").decode()


class Sum(BaseModel):
    total: int


class Day(BaseModel):
    day: str
    guests: int = 2


def which_day() -> Elicit[Day]:
    return Elicit("Which day?", Day)


class Shop:
    """The server. calls: how often each method was called. held: tools that wait have begun. ended: they were
    cancelled.
    """

    def __init__(self, ttl=60_000):
        self.calls = Counter()
        self.metas = []
        self.breaks = ""
        self.held = asyncio.Event()
        self.ended = asyncio.Event()
        self.server = MCPServer(
            "shop", version="1", middleware=[self.count], cache_hints={"tools/list": CacheHint(ttl_ms=ttl)}
        )
        for tool in (self.add, self.greet, self.fail, self.wait, self.picture, self.book, self.large, self.variable):
            self.server.add_tool(tool)
        self.server.resource("shop://hours")(self.hours)
        self.server.resource("shop://logo", mime_type="image/png")(self.logo)
        self.server.prompt()(self.sell)

    async def count(self, context, call_next):
        self.calls[context.method] += 1
        self.metas.append(context.meta)
        self.context = context
        if context.method == self.breaks:
            raise MCPError(-32603, "out of order")
        return await call_next(context)

    async def tell(self):
        """Tell the client that called last that the list of tools has changed, as its revision hears it."""
        await self.server._subscriptions.publish(ToolsListChanged())
        await self.context.session.send_tool_list_changed()

    def add(self, a: int, b: int) -> Sum:
        """Add two numbers."""
        return Sum(total=a + b)

    def greet(self, name: str) -> types.CallToolResult:
        """Greet somebody."""
        return types.CallToolResult(content=[types.TextContent(text=f"Hello, {name}!")])

    def fail(self) -> str:
        """Always fail."""
        raise ValueError("the till is empty")

    async def wait(self) -> str:
        """Wait for ever."""
        self.held.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        return ""

    def picture(self) -> types.CallToolResult:
        """Show a picture."""
        image = types.ImageContent(data=PIXEL, mime_type="image/png")
        return types.CallToolResult(content=[types.TextContent(text="look"), image])

    def book(self, what: str, day: Annotated[Day, Resolve(which_day)]) -> str:
        """Book a table."""
        return f"{what} on {day.day} for {day.guests}"

    def large(self, size: int) -> str:
        """Say much."""
        return "x" * size

    def variable(self, name: str) -> str:
        """A variable of the environment."""
        return str(os.getpid()) if name == "pid" else os.environ.get(name, "not set")

    def hours(self) -> str:
        """When it is open."""
        return "nine to five"

    def logo(self) -> bytes:
        """The logo."""
        return b"a picture"

    def sell(self, what: str) -> str:
        """Sell something."""
        return f"Please buy {what}."

    @asynccontextmanager
    async def serve(self, port=0):
        """Serve HTTP on a port; yields the address."""
        config = uvicorn.Config(
            self.server.streamable_http_app(), host="127.0.0.1", port=port, log_config=None, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None
        serving = asyncio.get_running_loop().create_task(server._serve())  # `serve` would take the signals
        try:
            while not server.started:
                await asyncio.sleep(0.01)
            bound = server.servers[0].sockets[0].getsockname()[1]
            yield f"http://127.0.0.1:{bound}/mcp"
        finally:
            server.should_exit = True
            server.force_exit = True
            await serving


if __name__ == "__main__":
    sys.stderr.write("the shop opens\n")
    Shop().server.run()
