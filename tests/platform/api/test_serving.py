"""The sockets of the platform."""

from __future__ import annotations

import asyncio
import socket

from octo_platform.api import serving


async def test_answers_are_sent_at_once():
    """Without `TCP_NODELAY` the second part of an answer waits until the client has acknowledged the first: 40 ms."""
    accepted = asyncio.get_running_loop().create_future()
    with serving._listening("127.0.0.1", 0) as listener:
        server = await asyncio.start_server(lambda _, writer: accepted.set_result(writer), sock=listener)
        async with server:
            _, mine = await asyncio.open_connection(*listener.getsockname())
            writer = await accepted
            assert writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            writer.close()
            mine.close()
