"""Values that are stored encrypted: AES-GCM, bound to their place, with the id of the key.

A sealed value is `key id ":" base64(nonce ‖ ciphertext ‖ tag)`. The place (e.g. `secret/<id>`) is associated data: a
ciphertext that is copied to another row cannot be opened there.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
_BYTES = 32


class Unsealable(Exception):
    """A value whose key is gone, or that was changed or moved."""


class Keyring:
    """The keys of this installation. keys: base64 of 32 bytes each; the first seals, all of them open."""

    def __init__(self, keys: Sequence[str]) -> None:
        raw = [_bytes(each) for each in keys]
        self._ciphers = {_id(each): AESGCM(each) for each in raw}
        self.newest = _id(raw[0])

    def seal(self, place: str, value: bytes) -> str:
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._ciphers[self.newest].encrypt(nonce, value, place.encode())
        return f"{self.newest}:{base64.b64encode(sealed).decode()}"

    def open(self, place: str, sealed: str) -> bytes:
        """The value. Raises `Unsealable`."""
        key, _, text = sealed.partition(":")
        cipher = self._ciphers.get(key)
        if cipher is None:
            raise Unsealable(f"the key {key} that sealed {place} is not among those of this installation")
        try:
            data = base64.b64decode(text, validate=True)
            return cipher.decrypt(data[:_NONCE], data[_NONCE:], place.encode())
        except (InvalidTag, ValueError):
            raise Unsealable(f"what is stored at {place} was changed or moved") from None

    def is_newest(self, sealed: str) -> bool:
        return sealed.startswith(f"{self.newest}:")


def new_key() -> str:
    """A new key, as `Keyring` takes it."""
    return base64.b64encode(os.urandom(_BYTES)).decode()


def _bytes(key: str) -> bytes:
    try:
        raw = base64.b64decode(key, validate=True)
    except ValueError:
        raise ValueError("a key is base64 of 32 bytes") from None
    if len(raw) != _BYTES:
        raise ValueError(f"a key is base64 of {_BYTES} bytes; this one has {len(raw)}")
    return raw


def _id(key: bytes) -> str:
    return hashlib.sha256(b"octo key id" + key).hexdigest()[:8]
