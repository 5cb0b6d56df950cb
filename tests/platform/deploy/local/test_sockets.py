"""Sockets: one at the port of the deployment, for all its instances, on loopback only."""

from __future__ import annotations

import errno
import socket

import pytest

from octo.core.addresses import Resolved
from octo_platform.deploy.local import sockets as module
from octo_platform.deploy.local.sockets import Sockets, private


def at(port, host="0.0.0.0", family=socket.AF_INET):
    return Resolved(family, socket.IPPROTO_TCP, (host, port))


@pytest.fixture
def sockets(port):
    made = Sockets(port)
    yield made
    made.close()


def test_the_port_of_the_deployment_is_lent_for_that_of_the_flow(sockets, port):
    """Whatever address it names, it is the same socket on loopback."""
    sockets.named = 8080
    lent = [sockets.lend(each, 10) for each in (at(port), at(8080), at(8080, "::", socket.AF_INET6))]

    assert {id(each) for each in lent} == {id(lent[0])}
    assert lent[0].getsockname() == ("127.0.0.1", port)


def test_another_port_is_closed_with_its_last_user(sockets, free_port):
    other = free_port()
    first, second = sockets.loan(), sockets.loan()
    lent = first.lend(at(other), 10)
    assert second.lend(at(other), 10) is lent
    assert lent.getsockname() == ("127.0.0.1", other)

    first.give_back(at(other))
    first.give_back(at(other))
    assert lent.fileno() >= 0
    second.end()
    assert lent.fileno() < 0


def test_a_port_of_somebody_else_is_not_lent(sockets):
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError) as caught:
        sockets.lend(at(other.getsockname()[1]), 10)

    assert caught.value.errno == errno.EADDRINUSE


def test_a_port_of_another_deployment_is_not_lent_even_if_nobody_listens_there(port, free_port):
    other = free_port()
    with pytest.raises(OSError, match=f"port {other} is that of another deployment"):
        Sockets(port, lambda: {port, other}).lend(at(other), 10)


def test_a_port_that_no_flow_names_is_not_lent(sockets, free_port):
    named, other = free_port(), free_port()
    sockets.listens = (named,)
    assert sockets.lend(at(named), 10).getsockname()[1] == named
    with pytest.raises(OSError, match=f"no flow says that it listens at port {other}"):
        sockets.lend(at(other), 10)


def test_a_deployment_has_few_ports(sockets, free_port, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 1)
    sockets.lend(at(free_port()), 10)
    with pytest.raises(OSError, match="at most at 1"):
        sockets.lend(at(free_port()), 10)


def test_a_private_socket_is_open_to_its_owner_alone(tmp_path):
    with private(tmp_path / "s"), socket.socket(socket.AF_UNIX) as caller:
        assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
        caller.connect(str(tmp_path / "s"))
    with pytest.raises(OSError, match="in use"):
        private(tmp_path / "s")


def test_while_it_is_silent_callers_are_refused(sockets, port):
    sockets.open()
    sockets.open()
    socket.create_connection(("127.0.0.1", port)).close()
    sockets.silence()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    sockets.open()
    socket.create_connection(("127.0.0.1", port)).close()


def test_a_port_is_chosen_by_the_id_and_passes_over_those_that_are_taken():
    first, second, third = (Sockets(None, lambda: taken) for _ in range(3))
    taken: set[int] = set()
    port = first.choose("d1")
    other = second.choose("d1")  # bound, though nobody said so
    taken = {other + 1}
    last = third.choose("d1")

    assert module.FIRST <= port < other < last <= module.LAST
    assert last > other + 1
    first.close()
    again = Sockets(None)
    assert again.choose("d1") == port
    for each in (again, second, third):
        each.close()
