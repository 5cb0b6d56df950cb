"""Addresses are parsed strictly, and sockets listen at them."""

from __future__ import annotations

import socket
import stat

import pytest

from octo.operations.address import Address, bind, is_loopback, parse


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:39999", Address("127.0.0.1", 39999)),
        (":39999", Address("", 39999)),
        ("[::1]:9000", Address("::1", 9000)),
        ("ops.internal:0", Address("ops.internal", 0)),
        ("unix:/run/octo.sock", Address(path="/run/octo.sock")),
    ],
)
def test_forms(text, address):
    assert parse(text) == address
    assert str(address) == text.removeprefix("unix:")


@pytest.mark.parametrize("text", ["", "9000", "localhost", "http://localhost:1", "host:70000", "::1:9000", "unix:"])
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"is not an address; write HOST:PORT, e\.g\. 127\.0\.0\.1:39999"):
        parse(text)


@pytest.mark.parametrize(("text", "local"), [("127.0.0.1:0", True), (":0", False), ("localhost:0", True)])
def test_loopback_is_told_by_what_was_bound(text, local):
    with bind(parse(text)) as listening:
        assert is_loopback(listening) is local


def test_a_unix_socket_is_open_to_its_owner_alone(tmp_path):
    with bind(Address(path=str(tmp_path / "s"))) as listening:
        assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600
        assert is_loopback(listening)


def test_a_port_in_use_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError, match="in use"):
        bind(Address("127.0.0.1", other.getsockname()[1]))


def test_the_file_that_an_ended_process_left_is_no_hindrance(tmp_path):
    address = Address(path=str(tmp_path / "s"))
    bind(address).close()

    with bind(address), pytest.raises(OSError, match="in use"):
        bind(address)


def test_a_file_that_is_no_socket_is_left_alone(tmp_path):
    path = tmp_path / "s"
    path.write_text("notes")

    with pytest.raises(OSError, match="in use"):
        bind(Address(path=str(path)))
    assert path.read_text() == "notes"
