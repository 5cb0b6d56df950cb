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
