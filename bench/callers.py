"""Callers that wait, and whom they wait for: `python -m bench.callers PORT [TARGET COUNT]`.

It listens on PORT, takes every connection and never answers: an upstream that hangs. With a TARGET, another port, so
many callers ask for `/hanging` there; one that is refused comes back after about `AGAIN` seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys

AGAIN = 10.0
REQUEST = b"GET /hanging HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"


async def main(port: int, target: int = 0, count: int = 0) -> None:
    async with await asyncio.start_server(hang, "127.0.0.1", port, backlog=4096), asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(call(target))
        await asyncio.Event().wait()


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass
    writer.close()


async def call(target: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", target)
            writer.write(REQUEST)
            await reader.read()
            writer.close()
        await asyncio.sleep(AGAIN * random.uniform(0.5, 1.5))


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
