"""The ceiling: an ASGI application on granian, a server in Rust, that reads a body, does nothing, and answers.

`python -m bench.bare PORT`
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}


async def application(
    scope: dict[str, Any],  # noqa: ARG001  the protocol's parameters
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer any request with the same few bytes."""
    while (await receive()).get("more_body"):
        pass
    await send(HEAD)
    await send({"type": "http.response.body", "body": b'{"ok":true}'})


async def main() -> None:
    server = Server(
        application, address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.ASGINL, log_enabled=False
    )
    await server.serve()


if __name__ == "__main__":
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main())
