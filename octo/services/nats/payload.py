"""What a message of JetStream carries: a line of JSON about it, which is mostly empty, then a sealed value.

A value may be larger than its JSON, where each byte of a text is escaped. So large ones are compressed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from octo.services.squeezed import LARGE, deflated, inflated

_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("attempt", "from", "seen", "token", "z"), (int,)),
    **dict.fromkeys(("due", "wait"), (int, float)),
    **dict.fromkeys(("id", "order", "reason", "reply"), (str,)),
}
"""What may be in the line of JSON."""


class Payload(NamedTuple):
    about: dict[str, Any]
    stored: bytes


def written(about: Mapping[str, object], stored: bytes) -> bytes:
    """The bytes of the message."""
    if len(stored) >= LARGE:
        return written({**about, "z": len(stored)}, b"") + deflated(stored)
    return (json.dumps(about).encode() if about else b"") + b"\n" + stored


def read(data: bytes) -> Payload:
    """What was `written`. Raises `ValueError` for anything else."""
    line, newline, stored = data.partition(b"\n")
    about = json.loads(line) if line else {}
    if not newline or not isinstance(about, dict) or not all(map(_is_known, about, about.values())):
        raise ValueError("no message of these services")
    if "z" in about:
        stored = inflated(stored, about.pop("z"))
    return Payload(about, stored)


def _is_known(name: str, value: object) -> bool:
    return isinstance(value, _KINDS.get(name, ())) and not isinstance(value, bool)
