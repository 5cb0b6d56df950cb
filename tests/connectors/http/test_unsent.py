"""A server knows whether a client still has to take what was written."""

from __future__ import annotations

import socket
import struct
import sys

import pytest

from octo.connectors.http.unsent import unsent


class Holding:
    """A transport that holds so many bytes itself."""

    def __init__(self, waiting, below):
        self.waiting = waiting
        self.below = below

    def get_write_buffer_size(self):
        return self.waiting

    def get_extra_info(self, name):
        assert name == "socket"
        return self.below


@pytest.mark.skipif(sys.platform != "linux", reason="asks the system for its queue")
def test_what_the_system_still_holds_is_unsent():
    """Until the client has taken it, or its system has."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        serving, _ = server.accept()
        with serving:
            serving.setblocking(False)
            assert unsent(Holding(0, serving)) == 0
            while True:
                try:
                    serving.send(bytes(1_000_000))
                except BlockingIOError:
                    break
            assert unsent(Holding(0, serving)) > 0
            while unsent(Holding(0, serving)):
                client.recv(1_000_000)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the system for its queue")
def test_nothing_is_unsent_to_a_client_that_has_reset_its_connection():
    """It will not take it any more."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        serving, _ = server.accept()
        with serving:
            serving.setblocking(False)
            while True:
                try:
                    serving.send(bytes(1_000_000))
                except BlockingIOError:
                    break
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

            assert unsent(Holding(0, serving)) == 0


def test_what_the_transport_holds_is_unsent():
    assert unsent(Holding(7, None)) == 7


def test_of_a_closed_connection_nothing_is_known():
    with socket.socket() as closed:
        pass

    assert unsent(Holding(0, closed)) == 0
