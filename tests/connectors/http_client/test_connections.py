"""Kept connections: only one on which nothing has happened since is used again."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from octo.core.message import Message

EVIL = b'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"evil"'


async def ask(calls):
    return (await calls.rest(Message())).body


async def test_a_quiet_connection_is_used_again(calling, raw):
    """That is what it is kept for."""
    raw.answer(raw.ok(b"1"), raw.ok(b"2"), keep=True)
    async with calling(baseURL=raw.url) as calls:
        assert [await ask(calls), await ask(calls)] == [1, 2]

    assert raw.connections == 1


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("more", [EVIL, b"x", b"HTTP/1.1 200 OK\r\n"])
async def test_what_nobody_asked_for_answers_no_request(calling, raw, more, wait):
    """Neither what was read before the next request nor what still lies in the socket."""
    raw.answer(raw.ok(b"1"), raw.ok(b"2"), raw.ok(b"3"), keep=True)
    async with calling(baseURL=raw.url) as calls:
        bodies = [await ask(calls)]
        raw.writers[0].write(more)
        if wait:
            await _read_by(calls)
        bodies += [await ask(calls), await ask(calls)]

    assert (bodies, raw.connections) == ([1, 2, 3], 2)


async def test_a_second_answer_right_behind_the_first_is_none(calling, raw):
    """In one packet."""
    raw.answer(raw.ok(b"1") + EVIL, raw.ok(b"2"), keep=True)
    async with calling(baseURL=raw.url) as calls:
        assert [await ask(calls), await ask(calls)] == [1, 2]


async def test_a_connection_that_the_server_has_closed_is_not_used(calling, raw):
    """A request on it would be lost, and a POST could not be sent again."""
    raw.answer(raw.ok(b"1"), raw.ok(b"2"), keep=True)
    async with calling(baseURL=raw.url, retry={"maxAttempts": 1}) as calls:
        await calls.rest(method="POST")
        os_socket = raw.writers[0].get_extra_info("socket")
        with socket.socket(fileno=os.dup(os_socket.fileno())) as theirs:
            theirs.shutdown(socket.SHUT_RDWR)

        assert (await calls.rest(method="POST")).body == 2


async def _read_by(calls):
    """Wait until the client has read what arrived on its kept connection."""
    (waiting,) = calls.caller._transport._session.connector._conns.values()
    protocol, _ = waiting[0]
    for _ in range(1000):
        if protocol.should_close or not protocol.is_connected():
            return
        await asyncio.sleep(0)
