"""An upstream that repeats `n`, and has bad moments: it cuts answers, resets, hangs, and breaks off in the middle."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHANCE = 0.04
HANG = 3.0
RESET = struct.pack("ii", 1, 0)


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """The address of the running upstream."""
    server = await asyncio.start_server(_converse, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await _answer(reader, writer):
            pass
    except (OSError, asyncio.IncompleteReadError, ValueError, asyncio.CancelledError):
        pass  # the caller left, or the soak ended
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one request; False once the connection is of no more use."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    size = int(head.partition("content-length:")[2].partition("\r\n")[0])
    body = json.dumps(json.loads(await reader.readexactly(size))).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    if random.random() >= CHANCE:
        writer.write(answer)
        await writer.drain()
        return True
    match random.choice(("cut", "reset", "hang", "nonsense")):
        case "cut":
            writer.write(answer[:-3])
        case "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        case "hang":
            await asyncio.sleep(HANG)
        case _:
            writer.write(b"\x00\xff nonsense\r\n\r\n")
    return False
