"""Secrets that the platform gives out: tokens of deployments, which open only what theirs keeps, and API keys."""

from __future__ import annotations

import hashlib
import secrets

PREFIX = "octod_"
KEY_PREFIX = "octo_"
"""How they begin: scanners of repositories find those that were left somewhere."""

_BYTES = 32


def new_token() -> str:
    """A new token of a deployment: 256 bits of chance."""
    return PREFIX + secrets.token_urlsafe(_BYTES)


def new_key() -> str:
    """A new API key: 256 bits of chance."""
    return KEY_PREFIX + secrets.token_urlsafe(_BYTES)


def hashed(token: str) -> str:
    """What is stored of a token or key, to find it again: SHA-256, 64 hexadecimal digits.

    Nobody can guess it, so a slow hash would protect nothing.
    """
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
