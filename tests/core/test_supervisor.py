"""The line to the supervisor: sockets are borrowed, signs of life never wait, and the end of it is noticed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from octo.core import supervisor
from octo.core.addresses import Resolved
from octo.core.supervisor import VARIABLE, Line

ADDRESS = Resolved(socket.AF_INET, 6, ("127.0.0.1", 1))


class Supervisor:
    """The other end of the line."""

    def __init__(self):
        self.end, self.theirs = socket.socketpair()
        self.end.settimeout(20)
        self.lost = threading.Event()
        self.line = Line(self.theirs, self.lost.set)
        self.heard = b""

    def read(self):
        while b"\n" not in self.heard:
            self.heard += self.end.recv(4096)
        line, self.heard = self.heard.split(b"\n", 1)
        return json.loads(line)

    def answer(self, lent=None, **about):
        data = json.dumps({"lent": lent is not None, **about}).encode() + b"\n"
        socket.send_fds(self.end, [data], [] if lent is None else [lent.fileno()])


@pytest.fixture
def other():
    made = Supervisor()
    yield made
    made.end.close()
    assert made.lost.wait(20)
    made.theirs.close()


async def asked(other, address=ADDRESS):
    asking = asyncio.get_running_loop().create_task(other.line.borrow(address, 7))
    return asking, await asyncio.to_thread(other.read)


async def test_a_socket_is_borrowed_and_given_back(other):
    asking, question = await asked(other)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        other.answer(listening)
        with await asking as lent:
            assert question == ["borrow", socket.AF_INET, 6, ["127.0.0.1", 1], 7]
            assert lent.getsockname() == listening.getsockname()

    other.line.give_back(ADDRESS)
    assert other.read() == ["give back", socket.AF_INET, 6, ["127.0.0.1", 1]]


async def test_a_socket_may_be_shared_with_others(other):
    """Then what waits in it is theirs as well."""
    asking, _ = await asked(other)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        other.answer(listening, shared=True)
        with await asking:
            assert other.line.is_shared(ADDRESS)
            assert not other.line.is_shared(ADDRESS._replace(where=("127.0.0.1", 2)))


async def test_an_address_that_is_taken_raises_the_error_of_the_system(other):
    asking, _ = await asked(other)
    other.answer(errno=98, error="Address already in use")

    with pytest.raises(OSError, match="already in use") as caught:
        await asking
    assert caught.value.errno == 98


async def test_a_socket_that_nobody_waits_for_any_more_is_given_back(other):
    """The answer to a later question is not mistaken for it."""
    asking, _ = await asked(other)
    asking.cancel()
    await asyncio.wait([asking])
    later, _ = await asked(other)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        other.answer(listening)
        other.answer(errno=13, error="Permission denied")

        assert (await asyncio.to_thread(other.read))[0] == "give back"
        with pytest.raises(PermissionError):
            await later


def test_signs_of_life_do_not_wait_for_a_supervisor_that_stands_still(other):
    """The line is full long before these are all sent."""
    for _ in range(100_000):
        other.line.beat(True)

    assert other.read() == ["beat", True]


def test_a_process_ends_before_its_supervisor_does(other):
    """The thread that listens is a daemon, with a name that says what it is for."""
    assert [each.daemon for each in threading.enumerate() if each.name == "octo-supervisor"] == [True]


def test_the_end_of_the_supervisor_is_noticed_without_an_event_loop(other):
    other.end.close()

    assert other.lost.wait(20)
    other.line.beat(True)  # raises nothing


def test_a_process_joins_once_and_its_children_do_not(monkeypatch):
    monkeypatch.setattr(supervisor, "_wake_with_parent", lambda: None)
    monkeypatch.setattr(supervisor, "_line", None)
    ours, theirs = socket.socketpair()
    lost = threading.Event()
    descriptor = theirs.detach()
    os.set_inheritable(descriptor, True)
    environment = {VARIABLE: str(descriptor)}

    line = supervisor.join(environment, lost.set)

    assert supervisor.line() is line
    assert environment == {}
    assert not os.get_inheritable(descriptor)
    ours.close()
    assert lost.wait(20)
    line._end.close()


@pytest.mark.skipif(sys.platform != "linux", reason="others leave it stopped")
def test_a_process_that_is_stopped_goes_on_when_its_supervisor_ends():
    """Else it would never see that the line is broken. The system is asked which signal it will send."""
    code = """
import ctypes, os
from octo.core.supervisor import join
join(os.environ, lambda: None)
found = ctypes.c_int()
ctypes.CDLL(None).prctl(2, ctypes.byref(found))
print(found.value)
"""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        told = subprocess.check_output(
            [sys.executable, "-c", code],
            pass_fds=[theirs.fileno()],
            env={**os.environ, VARIABLE: str(theirs.fileno())},
        )

    assert int(told) == signal.SIGCONT


def test_without_a_supervisor_there_is_no_line():
    assert supervisor.join({}, lambda: None) is None
