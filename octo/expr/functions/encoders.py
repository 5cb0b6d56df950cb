"""Base64 and hexadecimal text."""

from typing import Any

from octo.expr.errors import CONVERSION, ExprError, quoted
from octo.expr.function import function


@function("base64.encode(bytes) -> string", family="encoders", examples=['base64.encode(b"hello") == "aGVsbG8="'])
def base64_encode(data: bytes) -> str:
    """The bytes as base64 text."""
    from base64 import b64encode

    return b64encode(data).decode()


@function(
    "base64.decode(string) -> bytes",
    family="encoders",
    examples=['base64.decode("aGVsbG8=") == b"hello"', 'base64.decode("aGVsbG8") == b"hello"'],
)
def base64_decode(text: str) -> bytes:
    """The bytes of base64 text; the padding may be missing."""
    from base64 import b64decode

    bare = text.rstrip("=")
    padded = bare + "=" * (-len(bare) % 4)
    # Python accepts too much padding, even in its strict mode.
    if text in {bare, padded}:
        try:
            return b64decode(padded, validate=True)
        except ValueError:
            pass
    raise ExprError(CONVERSION, f"not base64: {quoted(text)}")


@function(
    "hexEncode(bytes) -> string",
    "hexEncode(string) -> string",
    family="octo",
    examples=['hexEncode(b"\\xff\\x00") == "ff00"', 'hexEncode("AB") == "4142"'],
)
def hex_encode(data: Any) -> str:
    """The bytes, or the UTF-8 bytes of a string, as lower case hexadecimal text."""
    return to_bytes(data).hex()


def to_bytes(data: str | bytes) -> bytes:
    """Return bytes as they are, a string as UTF-8."""
    if isinstance(data, bytes):
        return data
    try:
        return data.encode()
    except UnicodeEncodeError:
        raise ExprError(CONVERSION, "the string holds half a character and cannot be encoded") from None
