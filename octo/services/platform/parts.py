"""Several values in one body: a line of JSON about them, then their bytes, one after another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from octo.core.errors import Transient
from octo.services import codes, values
from octo.services.squeezed import expanded


def written(about: Sequence[Mapping[str, object]], stored: Sequence[bytes]) -> bytes:
    """A body with messages. about: what is said of each, `size` among it where it has a value."""
    line = json.dumps({"messages": about}, separators=(",", ":")).encode()
    return b"".join([line, b"\n", *stored])


def told(body: bytes) -> dict[str, Any]:
    """What an answer says. Raises `Transient` if it is not that of the platform, but of something in between."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Transient("the answer of the platform cannot be read", code=codes.SERVER)
    return found


def read(body: bytes, kind: str) -> tuple[dict[str, Any], list[tuple[dict[str, Any], bytes]]]:
    """The line, and what it says of each part, with its value. kind: how the parts are called in the line."""
    line, _, rest = body.partition(b"\n")
    about = told(line)
    found, at = list[tuple[dict[str, Any], bytes]](), 0
    for each in about.get(kind, ()):
        found.append((each, rest[at : at + each["size"]]))
        at += each["size"]
    return about, found


def opened(stored: bytes, *place: object) -> object:
    """A value that was stored. Raises `Damaged` if it is not as it was written."""
    try:
        plain = expanded(stored)
    except ValueError:
        raise values.Damaged(f"a value of the platform is not as it was written: {place!r}"[:200]) from None
    return values.opened(plain, *place)
