"""`--http` of `octo mcp` and `octo mcp author`: where their servers listen."""

from __future__ import annotations

import ipaddress
import os
import socket

import click

_HERE = "127.0.0.1"


def listening(text: str, *, only_here: bool = False) -> socket.socket:
    """A socket at `[HOST:]PORT`; without a host, of this machine alone. Raises a usage error.

    only_here: whether a host is refused that other machines can reach.
    """
    from octo.operations.address import Address, bind, parse

    try:
        asked = parse(text if ":" in text else f"{_HERE}:{text}")
        if asked.path:
            raise ValueError(f"{text!r} is not an address of HTTP; write HOST:PORT, or PORT")
        host = asked.host or _HERE
        if only_here and not _is_loopback(host):
            raise ValueError(f"{text!r} is not loopback: whoever reaches it can read the project")
        return bind(Address(host, asked.port))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--http") from None
    except OSError as error:
        raise click.UsageError(f"--http {text}: {os.strerror(error.errno or 0)}") from None


def address_of(listener: socket.socket) -> str:
    """The address of a server at the socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/mcp"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
