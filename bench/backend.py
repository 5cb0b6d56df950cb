"""A back end that answers after a delay and costs little: `python -m bench.backend PORT MILLISECONDS BYTES`."""

from __future__ import annotations

import asyncio
import json
import sys

import uvloop

DOCUMENT = {
    "id": "acct-00000000",
    "pad": "",
    "region": "us-east-1",
    "status": "ACTIVE",
    "updatedAt": "2026-07-25T00:00:00Z",
}


def answer(size: int) -> bytes:
    """The whole response, with a body of exactly so many bytes."""
    padding = size - len(json.dumps(DOCUMENT, separators=(",", ":")))
    body = json.dumps({**DOCUMENT, "pad": "x" * padding}, separators=(",", ":")).encode()
    return f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Slow(asyncio.Protocol):
    """One keep-alive connection of GET requests, each answered after `delay` seconds."""

    def __init__(self, response: bytes, delay: float) -> None:
        self.response = response
        self.delay = delay
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        for _ in range(data.count(b"\r\n\r\n")):
            asyncio.get_running_loop().call_later(self.delay, self.transport.write, self.response)


async def main() -> None:
    port, milliseconds, size = (int(each) for each in sys.argv[1:])
    response = answer(size)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Slow(response, milliseconds / 1000), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main())
