"""Files of a message, as attachments of what a model is asked."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import unquote_to_bytes

from octo.ai.conversation import Attachment, User
from octo.ai.quoted import names_secret, quoted
from octo.core import charsets, content
from octo.core.errors import Permanent
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.secrets import masked
from octo.core.spool import Content

MOST = 20
"""Files of one question."""
MOST_BYTES = 32 * 1024 * 1024
"""Bytes of all its files together. No provider takes more."""

_DATA_URL = re.compile(r"data:(?P<type>[^,;]*)(?P<more>(?:;[^,;]*)*?)(?P<base64>;base64)?,(?P<data>.*)", re.DOTALL)
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_KEYS = (
    {"mimeType", "data", "name"},
    {"contentType", "rawData"},
    {"name", "filename", "contentType", "data", "encoding", "size", "headers"},
)
"""Those of a file as JSON has it, of raw content, and of a part of a form."""
_TEXTS = ("text/", "application/json", "application/xml", "application/yaml")


def attachments(values: Sequence[object], *, reveal: bool = False) -> tuple[Attachment, ...]:
    """The files: each `{mimeType, data, name}` with base64, a data URL or bytes, a raw body, or a file of a form.

    Their names come from outside, so the model gets others, `file-1.pdf`; see `listed`. Known secrets in files of text
    are masked unless `reveal` is set. Raises `Permanent` for what is no file, and for too many or too large ones.
    """
    if len(values) > MOST:
        raise Permanent(f"attachments: {len(values):,} files are too many (at most {MOST})")
    found = []
    for number, value in enumerate(values, 1):
        mime_type, data = _read(value, number)
        if not reveal and mime_type.startswith(_TEXTS):
            data = masked(data.decode(errors="surrogateescape")).encode(errors="surrogateescape")
        found.append(Attachment(mime_type, data, f"file-{number}{_ending(mime_type)}"))
        if sum(len(each.data) for each in found) > MOST_BYTES:
            raise Permanent(f"attachments: they have more than {MOST_BYTES:,} bytes")
    return tuple(found)


def with_files(text: str, files: Expr[list[object]] | None, message: Message) -> User:
    """A question, with the files of the message that belong to it, and the names that they have outside."""
    if files is None:
        return User(text)
    values = files(message)
    found = attachments(values, reveal=names_secret(files))
    names = listed(values, found)
    return User(f"{text}\n\n{names}" if names else text, found)


def listed(values: Sequence[object], files: Sequence[Attachment]) -> str:
    """The names that the files have outside, as data for a prompt; "" if they have none."""
    pairs = zip(values, files, strict=True)
    names = {file.name: name for value, file in pairs if isinstance(value, Mapping) and (name := _name(value))}
    return quoted("names of files", names) if names else ""


def _name(value: Mapping[Any, Any]) -> str:
    return str(value.get("filename" if "contentType" in value else "name") or "")


def _read(value: object, number: int) -> tuple[str, bytes]:
    wanted = f"attachments: file {number}"
    if not isinstance(value, Mapping) or not any(value.keys() <= keys for keys in _KEYS):
        raise Permanent(f"{wanted} must be a map of `mimeType`, `data` and `name`, raw content, or a file of a form")
    if "contentType" in value:
        mime_type = str(value["contentType"] or content.BINARY)
        data = content.data(value) if "rawData" in value else value.get("data")
        data = charsets.encode(data, mime_type) if isinstance(data, str) else data
        if not isinstance(data, bytes | Content):
            raise Permanent(f"{wanted}: `data` must be text or bytes")
    else:
        mime_type, data = _decoded(str(value.get("mimeType") or ""), value.get("data"), wanted)
    mime_type = mime_type.partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(mime_type):
        raise Permanent(f"{wanted} needs a `mimeType`, e.g. application/pdf")
    if len(data) > MOST_BYTES:
        raise Permanent(f"{wanted} has {len(data):,} bytes (at most {MOST_BYTES:,})")
    return mime_type, bytes(data)


def _decoded(mime_type: str, data: Any, wanted: str) -> tuple[str, bytes | Content]:
    if isinstance(data, bytes | Content):
        return mime_type, data
    if not isinstance(data, str):
        raise Permanent(f"{wanted}: `data` must be base64, a data URL or bytes")
    try:
        if data[:5].lower() != "data:":
            return mime_type, base64.b64decode("".join(data.split()), validate=True)
        url = _DATA_URL.fullmatch(data[:5].lower() + data[5:])
        if url is None:
            raise ValueError
        inside = unquote_to_bytes(url["data"])
        return mime_type or url["type"] or "text/plain", base64.b64decode(inside) if url["base64"] else inside
    except (ValueError, binascii.Error):
        raise Permanent(f"{wanted}: `data` is neither base64 nor a data URL") from None


def _ending(mime_type: str) -> str:
    word = "".join(islice(re.findall(r"[a-z0-9]+", mime_type.partition("/")[2]), 1))
    return f".{({'plain': 'txt', 'jpeg': 'jpg'}).get(word, word)}" if word else ""
