"""`--http` of `octo mcp` names a port, or a host and a port."""

from __future__ import annotations

import click
import pytest

from octo.cli.mcp_http import address_of, listening


@pytest.mark.parametrize("text", ["0", ":0", "127.0.0.1:0", "localhost:0"])
def test_without_a_host_only_this_machine_is_served(text: str):
    """Whoever wants others to reach the server says so."""
    with listening(text) as listener:
        host, port = listener.getsockname()[:2]

        assert host in ("127.0.0.1", "::1")
        assert address_of(listener).endswith(f":{port}/mcp")


@pytest.mark.parametrize("text", ["unix:/tmp/octo.sock", "here", "127.0.0.1:99999"])
def test_what_is_no_address_of_http_is_refused(text: str):
    """A client of HTTP could not name the path of a socket."""
    with pytest.raises(click.BadParameter, match="is not an address"):
        listening(text)


@pytest.mark.parametrize("text", ["0.0.0.0:0", "[::]:0", "example.com:0"])
def test_others_are_refused_where_only_this_machine_is_served(text: str):
    with pytest.raises(click.BadParameter, match="is not loopback"):
        listening(text, only_here=True)


def test_a_port_that_is_taken_is_told():
    with listening("0") as first, pytest.raises(click.UsageError, match="in use"):
        listening(str(first.getsockname()[1]))
