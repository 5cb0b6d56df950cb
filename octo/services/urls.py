"""URLs that say where services are. They may hold a password: what is wrong with one is said without quoting it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from octo.core.errors import Permanent
from octo.services import codes

_ENCODED = "in names and passwords `@` as %40, `:` as %3A, `/` as %2F, `?` as %3F, `#` as %23, `,` as %2C, `%` as %25"


class Url(NamedTuple):
    """login, hosts and path are as they were written, `%` included. login: what stands before the `@`."""

    scheme: str
    login: str
    hosts: str
    path: str
    parameters: Mapping[str, str]


def split(url: str, example: str) -> Url:
    """The parts of a URL. Raises what `no_url` makes, where a character has another meaning than it was meant to."""
    try:
        parts = urlsplit(url)
        parameters = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True) if parts.query else []
    except ValueError:
        raise no_url(example) from None
    login, _, hosts = parts.netloc.rpartition("@")
    if "@" in login or "@" in parts.path or parts.fragment or not url.startswith(f"{parts.scheme}:/"):
        raise no_url(example)
    return Url(parts.scheme, login, hosts, parts.path, dict(parameters))


def number(url: Url, name: str, default: int, least: int, most: int) -> int:
    """The parameter of this name, within these limits."""
    text = url.parameters.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"\d{1,4}", text) or not least <= int(text) <= most:
        raise refused(f"`{name}` must be {least} to {most}, and is {text[:20]!r}")
    return int(text)


def check_names(url: Url, known: Sequence[str], server: str) -> None:
    """Refuse parameters of other names. server: whose URL it is, for people."""
    if unknown := sorted(url.parameters.keys() - set(known)):
        raise refused(f"{unknown[0][:40]!r} is no parameter of {server}; known: {', '.join(known)}")


def no_url(example: str) -> Permanent:
    """example: what to write instead."""
    return refused(f"this is no URL; write {example}, and {_ENCODED}")


def refused(text: str) -> Permanent:
    return Permanent(f"services: {text}", code=codes.PLACE)
