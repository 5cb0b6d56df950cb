"""Tokens of deployments: each opens only what its deployment keeps."""

from __future__ import annotations

import hashlib
import secrets

PREFIX = "octod_"


def new_token() -> str:
    """A new token: 256 bits of chance."""
    return PREFIX + secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """What is stored of a token, to find it again: SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
