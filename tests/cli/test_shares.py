"""A supervisor lends each place a socket of its own, and keeps it for the next child of the place."""

from __future__ import annotations

import socket

import pytest

from octo.cli.shares import Shares
from octo.core.addresses import Resolved, bound


@pytest.fixture
def address(port):
    return Resolved(socket.AF_INET, socket.IPPROTO_TCP, ("127.0.0.1", port))


@pytest.fixture
def shares():
    made = Shares()
    yield made
    for place in range(3):
        made.forget(place)


def is_free(address):
    try:
        bound(address, 5).close()
    except OSError:
        return False
    return True


def test_places_share_an_address_and_nobody_else(shares, address):
    one, two = shares.lend(address, 5, 0), shares.lend(address, 5, 1)

    assert one.getsockname() == two.getsockname()
    assert one is not two
    with pytest.raises(OSError, match="in use"):
        Shares().lend(address, 5, 0)


def test_it_closes_once_all_have_given_it_back(shares, address):
    shares.lend(address, 5, 0)
    shares.lend(address, 5, 1)

    shares.take_back(address, 0)
    assert not is_free(address)
    shares.take_back(address, 1)
    assert is_free(address)


def test_a_successor_gets_the_socket_with_all_that_waits_at_it(shares, address):
    before = shares.lend(address, 5, 0)
    with socket.create_connection(address.where) as client:
        shares.succeed(0)
        after = shares.lend(address, 5, 0)
        shares.sweep(0)

        assert after is before
        with after.accept()[0] as accepted:
            assert accepted.getpeername() == client.getsockname()


def test_what_a_successor_does_not_borrow_is_closed(shares, address):
    """An edit may have removed the address in between."""
    shares.lend(address, 5, 0)
    shares.succeed(0)
    assert not is_free(address)

    shares.sweep(0)
    assert is_free(address)


def test_a_place_that_stays_empty_leaves_its_connections_to_the_others(shares, address):
    shares.lend(address, 5, 0)
    other = shares.lend(address, 5, 1)
    shares.forget(0)

    with socket.create_connection(address.where), other.accept()[0]:
        pass


def test_what_was_closed_already_may_be_given_back(shares, address):
    """A child that was given up for dead may still say so."""
    shares.take_back(address, 0)
    assert is_free(address)
