"""Charsets: decode bytes to texts and encode them back, to the same bytes."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache


class NotText(ValueError):
    """The bytes are not text in their charset, or it cannot write the text. The message quotes neither."""


class Text(str):  # noqa: SLOT000  a str subclass cannot have slots
    """A text with the bytes it was decoded from, because its charset would encode it to other bytes.

    Examples: UTF-16 in the byte order of another machine, and charsets that can write a character in several ways
    (ISO-2022, Shift_JIS).
    """

    sent: bytes
    charset: str

    @classmethod
    def of(cls, text: str, sent: bytes, charset: str) -> Text:
        made = cls(text)
        made.sent = sent
        made.charset = charset
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return Text.of, (str(self), self.sent, self.charset)


# --- what a content type says --------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def charset(content_type: str) -> str:
    """Return the charset that a content type names, in lower case; "" if it names none."""
    found = _CHARSET.search(content_type)
    return (found[1] or found[2] or "").strip().lower() if found else ""


_CHARSET = re.compile(r';\s*charset\s*=\s*(?:"([^"]*)"|([^\s;]+))', re.IGNORECASE)


@lru_cache(maxsize=1024)
def is_text(content_type: str) -> bool:
    """Whether content of this type is text: by its kind, or because it names a charset."""
    kind = content_type.partition(";")[0].strip().lower()
    return bool(_TEXT.fullmatch(kind) or charset(content_type))


_TEXT = re.compile(
    r"text/.+"
    r"|[^/]+/(.+\+)?(xml|json|yaml)"
    r"|application/(x-www-form-urlencoded|(x-)?(javascript|ecmascript|yaml|ndjson|csv|sh|sql)|graphql|toml|jsonl?|"
    r"json-seq|sql|xml-dtd|jwt|jose)"
)


# --- bytes and texts -----------------------------------------------------------------------------------------------


def decode(data: bytes, content_type: str) -> str:
    """Return the text of the bytes in the charset of their content type.

    If it names none, the byte order mark decides; without a mark it is UTF-8. A mark of UTF-16 or UTF-32 belongs to the
    charset and is removed; in UTF-8 it is a character of the text.
    """
    name = charset(content_type)
    codec = _codec(name) if name else _marked(data)
    try:
        text = data.decode(codec)
    except ValueError:
        raise NotText(f"the content is not {codec}") from None
    if codec != "utf-8" and not _is_written(text, data, codec if name else "utf-8"):
        return Text.of(text, data, name)
    return text


def encode(text: str, content_type: str) -> bytes:
    """Return the bytes of a text in the charset of the content type.

    A `Text` that came in the same charset gives the bytes it came from.
    """
    name = charset(content_type)
    if isinstance(text, Text) and text.charset == name:
        return text.sent
    codec = _codec(name) if name else "utf-8"
    try:
        return text.encode(codec)
    except ValueError as error:
        character = f": it has {text[error.start]!a}" if isinstance(error, UnicodeEncodeError) else ""
        raise NotText(f"the text cannot be written as {name or codec}{character}") from None


def taken(data: bytes, content_type: str) -> str | bytes:
    """Return content as `rawData`: a text if its type is one of text and the bytes can be decoded, else the bytes."""
    if not is_text(content_type):
        return data
    try:
        return decode(data, content_type)
    except NotText:
        return data


def decoder(content_type: str, head: bytes) -> codecs.IncrementalDecoder:
    """Return what decodes content piece by piece, as `decode` does the whole. It raises `ValueError`.

    head: the first bytes of the content, at least four if there are as many. Raises `NotText`.
    """
    name = charset(content_type)
    return codecs.getincrementaldecoder(_codec(name) if name else _marked(head))()


_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _marked(data: bytes) -> str:
    return next((codec for mark, codec in _MARKS if data.startswith(mark)), "utf-8")


_NO_CHARSETS = frozenset(("idna", "punycode", "raw_unicode_escape", "unicode_escape", "undefined", "mbcs", "oem"))
"""Python counts these among the encodings of texts, but they are no charsets that are sent."""


@lru_cache(maxsize=256)
def _codec(name: str) -> str:
    """Return Python's name of a charset. Raises `NotText` if there is none."""
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)  # refuses what encodes no texts, such as hex
    except (LookupError, ValueError):
        codec = ""
    if not codec or codec.replace("-", "_") in _NO_CHARSETS:
        raise NotText(f"the charset {name[:40]!r} is not known")
    return codec


def _is_written(text: str, data: bytes, codec: str) -> bool:
    try:
        return text.encode(codec) == data
    except ValueError:
        return False
