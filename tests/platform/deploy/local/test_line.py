"""The line to a child, spoken with the real other end."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from contextlib import suppress

import pytest

from octo.core.addresses import Resolved
from octo.core.supervisor import Line as Theirs
from octo_platform.deploy.local.line import Line

ADDRESS = Resolved(socket.AF_INET, 6, ("127.0.0.1", 1))


class Heard:
    """What a line told. Each event is an item of the queue."""

    def __init__(self, lent=None):
        self.events = asyncio.Queue()
        self.lent = lent
        self.line = Line(self._lend, self.events.put_nowait, self.events.put_nowait)

    def _lend(self, address, backlog):
        self.events.put_nowait((address, backlog))
        if self.lent is None:
            raise OSError(errno.EADDRINUSE, "taken")
        return self.lent


@pytest.fixture
async def child():
    """A line, and the other end of it as a child has it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        heard = Heard(listening)
        lost = threading.Event()
        other = Theirs(heard.line.theirs.dup(), lost.set)
        heard.line.theirs.close()
        yield heard, other
        heard.line.close()
        assert await asyncio.to_thread(lost.wait, 20)
        other._end.close()


async def test_a_child_borrows_a_socket_that_others_share(child):
    heard, other = child
    with await other.borrow(ADDRESS, 7) as lent:
        assert lent.getsockname() == heard.lent.getsockname()
    assert other.is_shared(ADDRESS)
    assert await heard.events.get() == (ADDRESS, 7)

    other.give_back(ADDRESS)
    assert await heard.events.get() == ADDRESS


async def test_a_child_hears_why_it_gets_none(child):
    heard, other = child
    heard.lent = None
    with pytest.raises(OSError, match="taken") as caught:
        await other.borrow(ADDRESS, 7)

    assert caught.value.errno == errno.EADDRINUSE


async def test_signs_of_life_are_heard(child):
    heard, other = child
    other.beat(False)
    other.beat(True)

    assert [await heard.events.get() for _ in range(2)] == [False, True]


@pytest.mark.parametrize("said", [b"nonsense\n", b"[" * 5000 + b"\n", b"x" * 200_000, b""])
async def test_a_line_that_speaks_another_language_is_broken(said):
    """Who is at the other end is no child of ours; an end is noticed, too."""
    heard = Heard()
    with heard.line.theirs.dup() as end:
        heard.line.theirs.close()

        def speak():
            with end:
                end.sendall(said)
                end.shutdown(socket.SHUT_WR)
                return end.recv(1)

        with suppress(BrokenPipeError, ConnectionResetError):  # broken before all was said
            assert await asyncio.to_thread(speak) == b""
    assert heard.events.empty()


@pytest.mark.parametrize("said", [b'["borrow", 1]\n', b"{}\n", b'["beat", 1]\n', b'["give back", 2, 6, "x"]\n'])
async def test_what_means_nothing_is_left_out(child, said):
    heard, other = child
    other._end.send(said)
    other.beat(True)

    assert await heard.events.get() is True
