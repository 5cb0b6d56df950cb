"""The hosts of addresses in settings. Nothing else of an address is told: users and passwords stay where they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from octo.core.settings import Reaches

UNKNOWN = "\ufdd0"
"""Stands in an address for what only the environment tells. Unicode promises that it is no character of any text."""

_PAIR = re.compile(r"(\w+)\s*=\s*('[^']*'|\S*)")
_PAIRS = re.compile(r"\s*(?:\w+\s*=\s*(?:'[^']*'|\S*)\s*)+")
_NO_PORT = re.compile(r":(?!\d+$)[^:@\]]*$")
_HOST = re.compile(r"\[(?P<six>[^\]]+)\](?::(?P<port6>.*))?|(?P<host>[^:]*)(?::(?P<port>.*))?")


class Host(NamedTuple):
    """Where an address leads; None for what only the environment tells."""

    scheme: str | None
    host: str | None
    port: int | None


def hosts(text: str, reaches: Reaches) -> list[Host]:
    """The hosts of a text of addresses; none if it has none, like the path of a file."""
    if "://" in text:
        return list(_of_url(text, reaches))
    if _PAIRS.fullmatch(text):
        return list(_of_pairs(text, reaches))
    if text.startswith(UNKNOWN) and not re.fullmatch(rf"{UNKNOWN}+:\d+", text):
        return [Host(None, None, None)]
    if reaches.bare:
        return [_host(each, reaches.bare, reaches) for each in _listed(text.partition("/")[0])]
    return []


def is_address(text: str) -> bool:
    """Whether the text is an address by itself, which tells more than a password or a token."""
    return "://" in text or ("host" in dict(_PAIR.findall(text)) and _PAIRS.fullmatch(text) is not None)


def _of_url(text: str, reaches: Reaches) -> Iterator[Host]:
    """Several addresses, or several hosts in one: `nats://a,nats://b`, `postgres://a:1,b:2/name`."""
    scheme = ""
    # A password may have a comma, but no comma is followed by a scheme then.
    for one in re.split(r",(?=[\w+.-]+://)", text):
        scheme, _, rest = one.strip().partition("://")
        authority, *more = re.split(r"[/?#]", rest, maxsplit=1)
        if more and "@" in more[0] and _NO_PORT.search(authority):
            # A password with a `/`: what stands before it is no host.
            authority = re.split(r"[/?#]", rest.rpartition("@")[2])[0]
        for each in _listed(authority.rpartition("@")[2]):
            if each:
                yield _host(each, scheme, reaches)


def _of_pairs(text: str, reaches: Reaches) -> Iterator[Host]:
    """The notation of libpq: `host=a,b port=1,2`. A host that is a path is a socket of this machine."""
    pairs = {key: value.strip("'") for key, value in _PAIR.findall(text)}
    scheme = reaches.ports[0][0]
    ports = _listed(pairs.get("port", ""))
    for host, port in zip_longest(_listed(pairs.get("host", "")), ports, fillvalue=ports[-1] if ports else ""):
        if host and not host.startswith("/"):
            yield _host(f"{host}:{port}" if port else host, scheme, reaches)


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _host(text: str, scheme: str, reaches: Reaches) -> Host:
    found = _HOST.fullmatch(text)
    name = "" if found is None else found["six"] or found["host"]
    port = None if found is None else found["port6"] or found["port"]
    known = None if UNKNOWN in scheme else scheme.lower()
    if UNKNOWN in name or not name:
        # The variable may end with a port of its own.
        usual = None if name.endswith(UNKNOWN) else _usual(known, reaches)
        return Host(known, None, _number(port) if port else usual)
    return Host(known, name.lower(), _number(port) if port else _usual(known, reaches))


def _number(port: str) -> int | None:
    return int(port) if re.fullmatch(r"\d{1,5}", port, re.ASCII) else None


def _usual(scheme: str | None, reaches: Reaches) -> int | None:
    """The port of a scheme; what follows a `+` names a driver, as in `postgresql+asyncpg`."""
    return None if scheme is None else dict(reaches.ports).get(scheme.partition("+")[0])
