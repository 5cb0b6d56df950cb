"""What a request asks of a file that the client may have already: preconditions and ranges (RFC 9110, 13 and 14)."""

from __future__ import annotations

import re
from email.utils import formatdate, parsedate_to_datetime
from typing import NamedTuple

from octo.connectors.http.call import Headers

_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\U0010ffff]*"')


class Version(NamedTuple):
    """Which version of a file there is: its entity tag, and the second of its last change."""

    tag: str
    second: int

    @property
    def date(self) -> str:
        return formatdate(self.second, usegmt=True)


class Part(NamedTuple):
    """Bytes of a file: from the first up to, but not including, the end."""

    first: int
    end: int


NOTHING = Part(0, 0)


def status(given: Headers, version: Version) -> int:
    """Return 304 if the client has this version, 412 if it asks for another one, else 200."""
    if "if-match" in given:
        if not _matches(given.all("if-match"), version.tag, strong=True):
            return 412
    elif (since := _second(given.get("if-unmodified-since"))) is not None and version.second > since:
        return 412
    if "if-none-match" in given:
        return 304 if _matches(given.all("if-none-match"), version.tag, strong=False) else 200
    since = _second(given.get("if-modified-since"))
    return 304 if since is not None and version.second <= since else 200


def part(given: Headers, version: Version, size: int) -> Part | None:
    """Return the range that is asked for, None for the whole file, and an empty one if the file has no such bytes.

    Of several ranges none is sent but the whole file, which is always allowed.
    """
    asked = given.all("range")
    found = _RANGE.fullmatch(asked[0]) if len(asked) == 1 else None
    if found is None or not _is_for(given, version):
        return None
    first, last = found.groups()
    if not first:
        if not last:
            return None
        return Part(max(0, size - int(last)), size) if int(last) and size else NOTHING
    if last and int(last) < int(first):
        return None  # no range at all
    if int(first) >= size:
        return NOTHING
    return Part(int(first), min(size, int(last) + 1) if last else size)


def _is_for(given: Headers, version: Version) -> bool:
    """Whether the range is of this version: else the client would put parts of two together."""
    condition = given.get("if-range")
    if condition is None:
        return True
    if condition.startswith(('"', "W/")):
        return bool(condition == version.tag and not version.tag.startswith("W/"))
    return _second(condition) == version.second and not version.tag.startswith("W/")


def _matches(values: object, tag: str, *, strong: bool) -> bool:
    text = ",".join(values) if isinstance(values, list | tuple) else str(values)
    if text.strip() == "*":
        return True
    found = _TAG.findall(text)
    if strong:
        return tag in found and not tag.startswith("W/")
    return tag.removeprefix("W/") in {each.removeprefix("W/") for each in found}


def _second(date: str | None) -> int | None:
    if date is None:
        return None
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
