"""Throw-away servers: they keep what they hold while they are down, and a paused one is a black hole."""

import socket

import pytest

from octo.testing import servers
from octo.testing.nats import Nats


class Nothing(servers.Server):
    program = "octo-no-such-server"
    install = "apt install nothing"


def test_without_the_program_the_error_says_what_to_install():
    with pytest.raises(servers.Missing, match="apt install nothing"), Nothing.started():
        pass


def test_a_server_that_is_killed_comes_back_on_its_port():
    with Nats.started() as server:
        port = server.port
        server.kill()
        with pytest.raises(OSError, match="refused"):
            server.is_ready()
        server.start()
        assert server.port == port
        assert server.is_ready()
        folder = server.folder
    assert not folder.exists()


def test_a_paused_server_answers_nothing_and_ends_no_connection():
    with Nats.started() as server:
        server.pause()
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.settimeout(0.2)
            with pytest.raises(TimeoutError):
                line.recv(1)
            server.resume()
            line.settimeout(30)
            assert line.recv(4) == b"INFO"


def test_a_port_is_given_out_once():
    ports = [servers.free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert max(ports) < 32_768
