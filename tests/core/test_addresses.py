"""An address is bound alone, or by a group of sockets that nobody else joins; a taken one has a holder with a name."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from octo.core import addresses
from octo.core.addresses import Resolved, bound, holder


def resolved(host, port):
    family, _, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return Resolved(family, protocol, where)


def test_two_sockets_never_share_an_address_by_themselves(port):
    with bound(resolved("127.0.0.1", port), 5), pytest.raises(OSError, match="in use"):
        bound(resolved("127.0.0.1", port), 5)


def connect(listening):
    """Both ends of a connection, ours first."""
    theirs = socket.create_connection(listening.getsockname())
    return listening.accept()[0], theirs


@pytest.mark.parametrize("group", ["", "founds"])
def test_an_address_is_free_as_soon_as_its_listener_is_closed(port, group):
    """The system keeps the end of a connection that we closed first for minutes."""
    mine = resolved("127.0.0.1", port)
    with bound(mine, 5, group) as listening:
        ours, theirs = connect(listening)
        with theirs, ours:
            ours.shutdown(socket.SHUT_WR)
            assert theirs.recv(1) == b""

    with bound(mine, 5, group) as again:
        assert again.getsockname() == mine.where


def test_connections_send_small_answers_at_once(port):
    with bound(resolved("127.0.0.1", port), 5) as listening:
        ours, theirs = connect(listening)
        with theirs, ours:
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.skipif(sys.platform != "linux", reason="others allow a wildcard beside a host")
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::"])
@pytest.mark.parametrize("group", ["", "founds"])
def test_a_group_is_joined_only_by_those_who_say_so(port, host, group):
    """Not by a group of somebody else, nor by a socket for all addresses."""
    mine = resolved("127.0.0.1", port)
    with bound(mine, 5, "founds"), bound(mine, 5, "joins"), pytest.raises(OSError, match="in use"):
        bound(resolved(host, port), 5, group)


def test_a_group_is_not_founded_beside_another_socket(port):
    with bound(resolved("127.0.0.1", port), 5), pytest.raises(OSError, match="in use"):
        bound(resolved("127.0.0.1", port), 5, "founds")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_holder_of_a_port_is_named(port, host):
    with bound(resolved(host, port), 5):
        assert holder(port).startswith(f"process {os.getpid()} (")


def test_nobody_is_named_who_cannot_be_found(port, monkeypatch, tmp_path):
    """No such port, or a system without /proc."""
    assert holder(port) == ""
    monkeypatch.setattr(addresses, "_PROC", tmp_path)
    with bound(resolved("127.0.0.1", port), 5):
        assert holder(port) == ""
