"""The throw-away PostgreSQL of the test kit; the tests of the database connector show that it works."""

import socket
from pathlib import Path

import pytest

from octo.testing import postgres

ASK_FOR_TLS = b"\0\0\0\x08\x04\xd2\x16\x2f"


def test_without_a_server_the_error_says_what_to_install(monkeypatch):
    """The error says how to install PostgreSQL."""
    monkeypatch.setattr(postgres.shutil, "which", lambda _: None)
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with pytest.raises(postgres.Missing, match="apt install postgresql"):
        postgres.binaries()


def test_a_server_that_is_paused_answers_nothing():
    """It ends no connection either, as if the network were a black hole; and then goes on where it was."""
    with postgres.Postgres.started() as server, socket.create_connection(("127.0.0.1", server.port)) as line:
        server.pause()
        try:
            line.sendall(ASK_FOR_TLS)
            line.settimeout(0.2)
            with pytest.raises(TimeoutError):
                line.recv(1)
        finally:
            server.resume()
        line.settimeout(30)

        assert line.recv(1) == b"N"  # no TLS here
