"""A file of secrets, each encrypted with AES-256-GCM, and a seal over all of them.

    {"format": "octo-secrets 1",
     "secrets": {"DB_PASSWORD": {"key": "20261130-3f9a2c", "nonce": "...", "text": "..."}},
     "seal": {"key": "20261130-3f9a2c", "nonce": "...", "text": "..."}}

Associated data bind each secret to the format, its key and its name, so none can pass for another. The seal encrypts
nothing: its associated data are all secrets as they stand in the file, so nothing can be added, removed or mixed from
two versions of the file. That the whole file is an older one, only a copy elsewhere can tell.

Nonces are 96 random bits: a key is good for 2^32 writings, and a rotation makes a new one.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from os import urandom
from typing import Any, NamedTuple

from octo.core.errors import Permanent
from octo.services import codes
from octo.services.secrets import keys
from octo.services.secrets.keys import Key

FORMAT = "octo-secrets 1"
NONCE = 12
MOST_BYTES = 16 << 20
"""Bytes of the file, at most."""


class Sealed(NamedTuple):
    """A text that is encrypted. key: the id of its key."""

    key: str
    nonce: bytes
    text: bytes

    def as_json(self) -> dict[str, str]:
        return {"key": self.key, "nonce": b64encode(self.nonce).decode(), "text": b64encode(self.text).decode()}


def sealed(name: str, text: str, key: Key) -> Sealed:
    """The secret under this name."""
    return _sealed(text.encode(), key, _bound("secret", key.id, name))


def opened(name: str, found: Sealed, ring: Sequence[Key]) -> str:
    """The text of the secret. Raises `Permanent` if its key is not there, or if it is not this secret."""
    key = keys.of(ring, found.key, f"the secret {name[:80]!r}")
    return _opened(found, key, _bound("secret", key.id, name), f"the secret {name[:80]!r}").decode()


def written(entries: Mapping[str, Sealed], key: Key) -> bytes:
    """The file with these secrets, sealed with the key."""
    secrets = {name: entries[name].as_json() for name in sorted(entries)}
    seal = _sealed(b"", key, _bound("seal", key.id, secrets))
    return _text({"format": FORMAT, "secrets": secrets, "seal": seal.as_json()})


def _text(content: Mapping[str, object]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def read(data: bytes, where: str, ring: Sequence[Key]) -> dict[str, Sealed]:
    """The secrets in a file, by name. Raises `Permanent` unless the file is as it was written."""
    try:
        content = json.loads(data)
        form, secrets, seal = content["format"], content["secrets"], _entry(content["seal"])
        entries = {str(name): _entry(each) for name, each in secrets.items()}
        is_whole = data == _text({"format": form, "secrets": secrets, "seal": seal.as_json()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _damaged(f"{where} is not a whole file of secrets") from None
    if not is_whole:
        raise _damaged(f"{where} was changed by something other than `octo secrets`")
    if form != FORMAT:
        raise _damaged(f"{where} has the format {str(form)[:40]!r}, and this Octo reads {FORMAT!r}")
    key = keys.of(ring, seal.key, where)
    _opened(seal, key, _bound("seal", key.id, secrets), where)
    return entries


def _entry(value: Any) -> Sealed:
    return Sealed(str(value["key"]), b64decode(value["nonce"], validate=True), b64decode(value["text"], validate=True))


def _bound(kind: str, key: str, what: object) -> bytes:
    """Associated data. As JSON, so that no two of them are the same."""
    return json.dumps([FORMAT, kind, key, what], sort_keys=True).encode()


def _sealed(text: bytes, key: Key, bound: bytes) -> Sealed:
    nonce = urandom(NONCE)
    return Sealed(key.id, nonce, _cipher(key).encrypt(nonce, text, bound))


def _opened(found: Sealed, key: Key, bound: bytes, what: str) -> bytes:
    cipher = _cipher(key)
    from cryptography.exceptions import InvalidTag

    try:
        return bytes(cipher.decrypt(found.nonce, found.text, bound))
    except (InvalidTag, ValueError):
        raise _damaged(f"{what} is not as it was written with the key {key.id!r}") from None


def _cipher(key: Key) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise Permanent(
            "encrypted secrets need the package cryptography: pip install 'octo-flows[crypto]'", code=codes.KEYS
        ) from None
    return AESGCM(key.material)


def _damaged(text: str) -> Permanent:
    return Permanent(text, code=codes.SEALED)
