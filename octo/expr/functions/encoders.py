"""Base64, base64url and hexadecimal text."""

from binascii import b2a_base64
from typing import Any

from octo.expr.errors import CONVERSION, INVALID_ARGUMENT, ExprError, quoted
from octo.expr.function import function


@function("base64.encode(bytes) -> string", family="encoders", examples=['base64.encode(b"hello") == "aGVsbG8="'])
def base64_encode(data: bytes) -> str:
    """The bytes as base64 text."""
    return b2a_base64(data, newline=False).decode()


@function(
    "base64.decode(string) -> bytes",
    family="encoders",
    examples=['base64.decode("aGVsbG8=") == b"hello"', 'base64.decode("aGVsbG8") == b"hello"'],
)
def base64_decode(text: str) -> bytes:
    """The bytes of base64 text; the padding may be missing."""
    return _decoded(text, "base64")


@function(
    "base64url.encode(bytes) -> string",
    "base64url.encode(bytes, bool) -> string",
    family="encoders",
    examples=['base64url.encode(b"\\xfb\\xff") == "-_8"', 'base64url.encode(b"\\xfb\\xff", true) == "-_8="'],
)
def base64url_encode(data: bytes, padded: bool = False) -> str:
    """The bytes as base64 text for URLs and tokens (RFC 4648), with padding if the second argument is true."""
    from base64 import urlsafe_b64encode

    text = urlsafe_b64encode(data).decode()
    return text if padded else text.rstrip("=")


@function(
    "base64url.decode(string) -> bytes",
    family="encoders",
    examples=['base64url.decode("-_8") == b"\\xfb\\xff"', 'base64url.decode("-_8=") == b"\\xfb\\xff"'],
)
def base64url_decode(text: str) -> bytes:
    """The bytes of base64 text for URLs; the padding may be missing."""
    return _decoded(text, "base64url")


def _decoded(text: str, form: str) -> bytes:
    from base64 import b64decode

    bare = text.rstrip("=")
    padded = bare + "=" * (-len(bare) % 4)
    foreign = "+/" if form == "base64url" else "-_"
    # Python accepts too much padding, even in its strict mode, and the usual alphabet beside another one.
    if text in {bare, padded} and not any(each in text for each in foreign):
        try:
            return b64decode(padded, b"-_", validate=True)
        except ValueError:
            pass
    raise ExprError(CONVERSION, f"not {form}: {quoted(text)}")


@function(
    "hexEncode(bytes) -> string",
    "hexEncode(string) -> string",
    family="octo",
    examples=['hexEncode(b"\\xff\\x00") == "ff00"', 'hexEncode("AB") == "4142"'],
)
def hex_encode(data: Any) -> str:
    """The bytes, or the UTF-8 bytes of a string, as lower case hexadecimal text."""
    return to_bytes(data).hex()


@function("hexDecode(string) -> bytes", family="octo", examples=['hexDecode("ff00") == b"\\xff\\x00"'])
def hex_decode(text: str) -> bytes:
    """The bytes of hexadecimal text, in lower or upper case."""
    # Python would skip blanks.
    if text.isalnum():
        try:
            return bytes.fromhex(text)
        except ValueError:
            pass
    if text:
        raise ExprError(CONVERSION, f"not hexadecimal: {quoted(text)}")
    return b""


def to_bytes(data: str | bytes) -> bytes:
    """Return bytes as they are, a string as UTF-8."""
    if isinstance(data, bytes):
        return data
    try:
        return data.encode()
    except UnicodeEncodeError:
        raise ExprError(CONVERSION, "the string holds half a character and cannot be encoded") from None


def content(function: str, given: Any) -> str | bytes:
    """The text or bytes of a raw body `{contentType, rawData}`; a text or bytes as they are."""
    found = given.get("rawData") if isinstance(given, dict) else given
    if isinstance(found, (str, bytes)):
        return found
    raise ExprError(INVALID_ARGUMENT, f"{function} takes raw content, and this map has no text or bytes as rawData")
