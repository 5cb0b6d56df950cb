"""The port opens at the chosen address, or the error says why it does not."""

from __future__ import annotations

import logging
import socket

import pytest

from octo.core.errors import OctoError
from octo.operations.address import Address, bind
from octo.operations.client import Client
from octo.operations.guard import guard_for
from octo.operations.port import Port, bound, chosen, opened
from octo.operations.web import Route, text


def test_the_flag_wins_over_the_environment_and_that_over_the_default():
    environ = {"OCTO_OBSERVABILITY_ADDR": "127.0.0.1:2"}

    assert chosen("127.0.0.1:1", None, environ) == Port(Address("127.0.0.1", 1), asked=True)
    assert chosen(None, None, environ) == Port(Address("127.0.0.1", 2), asked=True)
    assert chosen(None, None, {}) == Port(Address("127.0.0.1", 39999), asked=False)


@pytest.mark.parametrize(("flag", "environ"), [("off", {}), (None, {"OCTO_OBSERVABILITY_ADDR": "off"})])
async def test_off_is_off(flag, environ, made):
    port = chosen(flag, None, environ)

    assert bound(port) is None
    async with opened(port, made()):
        pass


def test_a_supervisor_decides_for_its_children():
    assert chosen("127.0.0.1:1", None, {"OCTO_ADMIN_SOCKET": "/run/x.sock"}).address == Address(path="/run/x.sock")


def test_a_supervisor_may_lend_a_socket_that_listens(tmp_path):
    """Its file is the supervisor's, so it is neither made nor removed here."""
    lent = bind(Address(path=str(tmp_path / "s")))
    port = chosen("127.0.0.1:1", None, {"OCTO_ADMIN_SOCKET": f"fd:{lent.detach()}"})

    with bound(port) as listening:
        assert (listening.getsockname(), listening.get_inheritable()) == (str(tmp_path / "s"), False)
        assert guard_for(port.address, listening, "").trusts
    assert (tmp_path / "s").exists()


def test_what_is_no_address_is_refused():
    with pytest.raises(ValueError, match="HOST:PORT"):
        chosen("nonsense", None, {})


def test_an_address_that_was_asked_for_must_not_be_missing():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = Port(Address(*other.getsockname()), asked=True)

        with pytest.raises(OctoError, match=r"in use by process .*; choose another --admin-addr"):
            bound(port)


def test_without_the_default_address_the_run_goes_on_and_says_so(caplog):
    with socket.create_server(("127.0.0.1", 0)) as other, caplog.at_level(logging.WARNING):
        assert bound(Port(Address(*other.getsockname()), asked=False)) is None

    assert "running without an operations port" in caplog.text


async def test_it_is_answered_from_the_state(made, port):
    async with opened(Port(Address("127.0.0.1", port), asked=True), made(["draining"])):
        reply = await Client(Address("127.0.0.1", port)).get("/readyz")

    assert (reply.status, reply.body) == (503, b"draining\n")


async def test_more_routes_are_answered_and_listed(made, port):
    async def traces(state, request):
        return text("none")

    more = [Route("GET", "/traces", traces, "what happened to messages", guarded=True)]
    async with opened(Port(Address("127.0.0.1", port), asked=True), made(), more):
        client = Client(Address("127.0.0.1", port))

        assert (await client.get("/traces")).body == b"none\n"
        assert b"GET  /traces        what happened to messages\n" in (await client.get("/")).body


async def test_beyond_loopback_changes_need_the_token(made, port):
    token = "0123456789abcdef"
    state = made()
    async with opened(Port(Address("", port), asked=True, token=token), state):
        address = Address("127.0.0.1", port)
        refused = await Client(address).ask("PUT", "/log-level", {"level": "debug"})
        granted = await Client(address, token).ask("PUT", "/log-level", {"level": "debug"})

    assert (refused.status, granted.status, state.set_to) == (403, 200, "debug")
