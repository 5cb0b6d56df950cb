"""What the data plane answers to a call that it has not carried out, as errors of services."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from octo.core.errors import OctoError, Permanent, Transient
from octo.core.secrets import masked
from octo.services import codes, limits

_FULL = ("limit", "cannot-store")
_BEYOND = ("invalid", "too-large", "malformed")


class Problem(NamedTuple):
    """Such an answer. code: "" if the server is none of the platform's."""

    code: str
    text: str
    more: dict[str, Any]


def problem(status: int, body: bytes) -> Problem:
    """What is wrong."""
    try:
        told = json.loads(body)
        return Problem(str(told["code"]), str(told.get("detail") or told["title"]), told)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Problem("", f"HTTP {status}", {})


def refused(where: str, given: Problem) -> OctoError:
    """The error of a call that was not carried out."""
    text = masked(given.text[:300])
    if given.code == "not-signed-in":
        told = f"{where} does not know the token: the deployment was removed, or it is another platform"
        return Transient(told, code=codes.SERVER)
    if given.code in _FULL:
        return Transient(f"{where} has no room: {text}", code=codes.FULL)
    if given.code in _BEYOND:
        return limits.beyond(f"{where} refuses it: {text}")
    return Transient(f"{where} did not do it: {text}", code=codes.SERVER)


def lacking(where: str, what: str) -> Permanent:
    """The error of a platform that does not offer what is needed."""
    return Permanent(f"{where} {what}: this Octo is newer; update the platform first", code=codes.LACKING)
