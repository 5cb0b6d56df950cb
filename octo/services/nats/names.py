"""Names as parts of subjects, which hold neither spaces nor `.`, `*` and `>`, and are short."""

from __future__ import annotations

import re
from hashlib import blake2b
from urllib.parse import quote, unquote

_READABLE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def token(*names: str) -> str:
    """The part of a subject that stands for these names, and for no others. A plain name stands for itself."""
    if len(names) == 1 and names[0] != "-" and _READABLE.fullmatch(names[0]):
        return names[0]
    return "~" + blake2b("\0".join(names).encode(), digest_size=20).hexdigest()


def written(key: str) -> str:
    """A key as a part of a subject, from which `read` gets it back."""
    return quote(key, safe="").replace(".", "%2E")


def read(part: str) -> str:
    """The key that was `written`."""
    return unquote(part, errors="strict")
