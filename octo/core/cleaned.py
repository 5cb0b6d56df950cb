"""Values without secrets: those that are known, and what stands under a key that names one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from octo.core.secrets import mask, named, secret_called

_SECRET_KEY = re.compile(
    "(access|api|private|secret|secretaccess|subscription|xapi)key|(access|api|auth|bearer|id|refresh|session)?token|"
    "(app|client)?secret|(client)?assertion|authorization|cookie|credentials?|jwt|passphrase|passw(or)?d|sig|"
    "xamz(credential|securitytoken|signature)"
)
_LEAST_TOKEN = 16
"""Characters of a value under such a key from which on it is masked everywhere: a shorter one may be a usual word."""


def clean(value: Any, key: str = "") -> Any:
    """Return the value without secrets: those that are known, and what stands under a key that names one."""
    if isinstance(value, Mapping):
        return {named(str(name)): clean(each, str(name)) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [clean(each, key) for each in value]
    if isinstance(value, str):
        return covered(value, key) if names_secret(key) else named(value)
    if isinstance(value, bytes):
        text = value.decode(errors="surrogateescape")
        return value if named(text) == text else named(text).encode(errors="surrogateescape")
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = named(str(value))
        return value if text == str(value) else text
    return value


def covered(value: str, name: str) -> str:
    """What is written in place of a secret that stands under this name. A long one is masked elsewhere too."""
    if len(value) >= _LEAST_TOKEN and not re.search(r"\s|»", value):
        mask(value, name)
    return secret_called(name) if value else value


def names_secret(key: str) -> bool:
    """Whether the value under a key is a secret: `access_token`, `X-Api-Key`, but not `nextPageToken`."""
    return _SECRET_KEY.fullmatch(re.sub("[-_. ]", "", key).lower()) is not None
