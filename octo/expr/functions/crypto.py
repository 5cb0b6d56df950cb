"""Hashes, message authentication, encryption and random identifiers."""

from typing import Any

from octo.expr.cost import Cost
from octo.expr.errors import CONVERSION, FAILED, INVALID_ARGUMENT, ExprError
from octo.expr.function import function
from octo.expr.functions.encoders import to_bytes

NONCE = 12

_KEY = '"0123456789abcdef0123456789abcdef"'


# -- hashes: as bytes, like a code of authentication; hexEncode or base64.encode make text of them


@function(
    "sha256(dyn) -> bytes",
    family="octo",
    examples=[
        'hexEncode(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"',
    ],
    cost=Cost(base=32),
)
def sha256(data: Any) -> bytes:
    """The SHA-256 hash of a string (as UTF-8) or bytes."""
    return _hash("sha256", data)


@function(
    "sha512(dyn) -> bytes",
    family="octo",
    examples=['size(sha512("abc")) == 64', 'hexEncode(sha512("abc")).startsWith("ddaf35a193617aba")'],
    cost=Cost(base=32),
)
def sha512(data: Any) -> bytes:
    """The SHA-512 hash of a string (as UTF-8) or bytes."""
    return _hash("sha512", data)


@function(
    "sha1(dyn) -> bytes",
    family="octo",
    examples=['hexEncode(sha1("abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d"'],
    cost=Cost(base=32),
)
def sha1(data: Any) -> bytes:
    """The SHA-1 hash of a string (as UTF-8) or bytes. It is broken: use it only where another system asks for it."""
    return _hash("sha1", data)


@function(
    "md5(dyn) -> bytes",
    family="octo",
    examples=['hexEncode(md5("abc")) == "900150983cd24fb0d6963f7d28e17f72"'],
    cost=Cost(base=32),
)
def md5(data: Any) -> bytes:
    """The MD5 hash of a string (as UTF-8) or bytes. It is broken: use it only where another system asks for it."""
    return _hash("md5", data)


def _hash(algorithm: str, data: Any) -> bytes:
    import hashlib

    return hashlib.new(algorithm, _bytes(algorithm, data), usedforsecurity=False).digest()


# -- message authentication


@function(
    "hmacSha256(dyn, dyn) -> bytes",
    family="octo",
    examples=[
        'hexEncode(hmacSha256("key", "message")) == "6e9ef29b75fffc5b7abae527d58fdadb2fe42e7219011976917343065f58ed4a"'
    ],
    cost=Cost(base=32),
)
def hmac_sha256(key: Any, data: Any) -> bytes:
    """The HMAC-SHA256 of data under a key; both are strings or bytes."""
    return _hmac("sha256", key, data)


@function(
    "hmacSha1(dyn, dyn) -> bytes",
    family="octo",
    examples=['hexEncode(hmacSha1("key", "message")) == "2088df74d5f2146b48146caf4965377e9d0be3a4"'],
    cost=Cost(base=32),
)
def hmac_sha1(key: Any, data: Any) -> bytes:
    """The HMAC-SHA1 of data under a key; both are strings or bytes."""
    return _hmac("sha1", key, data)


@function(
    "hmacSha512(dyn, dyn) -> bytes",
    family="octo",
    examples=['hexEncode(hmacSha512("key", "message")).startsWith("e477384d7ca229dd")'],
    cost=Cost(base=32),
)
def hmac_sha512(key: Any, data: Any) -> bytes:
    """The HMAC-SHA512 of data under a key; both are strings or bytes."""
    return _hmac("sha512", key, data)


def _hmac(algorithm: str, key: Any, data: Any) -> bytes:
    import hmac

    return hmac.digest(_bytes("hmac", key), _bytes("hmac", data), algorithm)


def _bytes(name: str, value: Any) -> bytes:
    if not isinstance(value, (str, bytes)):
        raise ExprError(INVALID_ARGUMENT, f"{name} takes strings and bytes")
    return to_bytes(value)


@function(
    "secureCompare(dyn, dyn) -> bool",
    family="octo",
    examples=['secureCompare("abc", b"abc")', '!secureCompare("abc", "abd")'],
)
def secure_compare(left: Any, right: Any) -> bool:
    """Whether two strings or bytes are equal. The time it takes reveals nothing about their content."""
    import hmac

    return hmac.compare_digest(_bytes("secureCompare", left), _bytes("secureCompare", right))


@function(
    "uuid() -> string",
    family="octo",
    pure=False,
    examples=["size(uuid()) == 36", "uuid() != uuid()"],
    cost=Cost(base=32),
)
def uuid() -> str:
    """A random identifier (UUID version 4)."""
    from uuid import uuid4

    return str(uuid4())


# -- encryption: a random nonce, then the sealed text


def _cipher(name: str, key: Any) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers import aead
    except ImportError:
        raise ExprError(
            FAILED, "encryption needs the package cryptography", hint="pip install 'octo-flows[crypto]'"
        ) from None
    sizes = (16, 24, 32) if name == "AES" else (32,)
    raw = _bytes(name, key)
    if len(raw) not in sizes:
        wanted = ", ".join(map(str, sizes))
        raise ExprError(INVALID_ARGUMENT, f"the key for {name} has {len(raw)} bytes, it needs {wanted}")
    return aead.AESGCM(raw) if name == "AES" else aead.ChaCha20Poly1305(raw)


def _seal(name: str, plain: Any, key: Any) -> bytes:
    from os import urandom

    nonce = urandom(NONCE)
    return nonce + bytes(_cipher(name, key).encrypt(nonce, _bytes(name, plain), None))


def _open(name: str, sealed: bytes, key: Any) -> bytes:
    cipher = _cipher(name, key)
    from cryptography.exceptions import InvalidTag

    try:
        return bytes(cipher.decrypt(sealed[:NONCE], sealed[NONCE:], None))
    except (InvalidTag, ValueError):
        raise ExprError(CONVERSION, f"cannot decrypt with {name}: wrong key or changed data") from None


@function(
    "toAes(dyn, dyn) -> bytes",
    family="octo",
    pure=False,
    examples=[f'string(fromAes(toAes("secret", {_KEY}), {_KEY})) == "secret"'],
    cost=Cost(base=128),
)
def to_aes(plain: Any, key: Any) -> bytes:
    """The text sealed with AES-GCM under a key of 16, 24 or 32 bytes."""
    return _seal("AES", plain, key)


@function(
    "fromAes(bytes, dyn) -> bytes",
    family="octo",
    examples=[f'fromAes(toAes(b"\\x00\\x01", {_KEY}), {_KEY}) == b"\\x00\\x01"'],
    cost=Cost(base=128),
)
def from_aes(sealed: bytes, key: Any) -> bytes:
    """The bytes that toAes sealed; an error when the key is wrong or the data was changed."""
    return _open("AES", sealed, key)


@function(
    "toChacha(dyn, dyn) -> bytes",
    family="octo",
    pure=False,
    examples=[f'string(fromChacha(toChacha("secret", {_KEY}), {_KEY})) == "secret"'],
    cost=Cost(base=128),
)
def to_chacha(plain: Any, key: Any) -> bytes:
    """The text sealed with ChaCha20-Poly1305 under a key of 32 bytes."""
    return _seal("ChaCha20", plain, key)


@function(
    "fromChacha(bytes, dyn) -> bytes",
    family="octo",
    examples=[f'fromChacha(toChacha(b"x", {_KEY}), {_KEY}) == b"x"'],
    cost=Cost(base=128),
)
def from_chacha(sealed: bytes, key: Any) -> bytes:
    """The bytes that toChacha sealed; an error when the key is wrong or the data was changed."""
    return _open("ChaCha20", sealed, key)
