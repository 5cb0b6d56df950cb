"""The keys of an encrypted file of secrets: the newest, which writes, and older ones, which still read.

A key is a line `ID:BASE64`. The id begins with the day of its making and ends with a check of the key, so that a key
that was copied wrongly is told from one that does not fit. Keys are in a variable or a file, never on a command line,
where every user of the machine would see them.
"""

from __future__ import annotations

import hashlib
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from os import urandom
from pathlib import Path
from typing import NamedTuple

from octo.core.errors import Permanent
from octo.core.secrets import mask
from octo.services import codes
from octo.services.secrets.replacing import replace

VARIABLE = "OCTO_SECRETS_KEYS"
FILE_VARIABLE = "OCTO_SECRETS_KEY_FILE"
SIZE = 32
"""Bytes of a key, for AES-256."""
MOST_BYTES = 64 * 1024
"""Bytes of all keys together, as text."""

_KEY = re.compile(r"(\d{8}-([0-9a-f]{6})):([A-Za-z0-9+/]{43}=)")


class Key(NamedTuple):
    id: str
    material: bytes

    def __repr__(self) -> str:
        return f"Key({self.id})"


def made(day: date) -> str:
    """A new key, as a line of a key file without its end."""
    material = urandom(SIZE)
    return f"{day:%Y%m%d}-{_check(material)}:{b64encode(material).decode()}"


def add(path: Path, key: str) -> None:
    """Put a key before those of a file, or make the file. Raises `Permanent`, and leaves alone what is no key file."""
    old = _content(path) if os.path.lexists(path) else ""
    if old.strip():
        parsed(old, repr(str(path)))
    replace(path, f"{key}\n{old}".encode())


def read(environ: Mapping[str, str]) -> Sequence[Key]:
    """The keys that the environment names, the newest first. Raises `Permanent` if there are none, or wrong ones."""
    text, file = environ.get(VARIABLE, ""), environ.get(FILE_VARIABLE, "")
    if text and file:
        raise _refused(f"set one of {VARIABLE} and {FILE_VARIABLE}, not both")
    if not text and not file:
        raise _refused(f"set {VARIABLE} or {FILE_VARIABLE} to the keys of the secrets; `octo secrets keygen` makes one")
    return parsed(text, f"${VARIABLE}") if text else parsed(_content(Path(file)), repr(file))


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1).decode("ascii")
    except OSError as error:
        raise _refused(f"the key file {str(path)!r} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _refused(f"{str(path)!r} is no key file: `octo secrets keygen` makes one") from None


@lru_cache(maxsize=4)  # they are asked for at each reading, and masking a key takes a while
def parsed(text: str, where: str) -> tuple[Key, ...]:
    """The keys in a text: one in each line, or with commas between. `#` begins a comment. No error quotes a key."""
    if len(text) > MOST_BYTES:
        raise _refused(f"the keys in {where} have more than {MOST_BYTES:,} bytes")
    lines = [line.partition("#")[0].strip() for line in text.replace(",", "\n").splitlines()]
    found = [_key(line, number, where) for number, line in enumerate(lines, 1) if line]
    if not found:
        raise _refused(f"there is no key in {where}; `octo secrets keygen` makes one")
    if len({each.id for each in found}) < len(found):
        raise _refused(f"a key is twice in {where}")
    return tuple(found)


def _key(line: str, number: int, where: str) -> Key:
    mask(line.rpartition(":")[2])
    match = _KEY.fullmatch(line)
    if match is None:
        raise _refused(f"line {number} of {where} is no key; it is `ID:KEY`, as `octo secrets keygen` prints it")
    material = b64decode(match[3])
    if _check(material) != match[2]:
        raise _refused(f"the key {match[1]!r} in {where} is not as it was made: copy it again")
    return Key(match[1], material)


def of(keys: Sequence[Key], name: str, what: str) -> Key:
    """The key with this id. Raises `Permanent`: `what` was written with a key that is not there."""
    for each in keys:
        if each.id == name:
            return each
    known = ", ".join(each.id for each in keys)
    raise _refused(f"{what} was written with the key {name[:20]!r}, which is not among the keys: {known}")


def _check(material: bytes) -> str:
    return hashlib.sha256(b"octo secrets key\0" + material).hexdigest()[:6]


def _refused(text: str) -> Permanent:
    return Permanent(text, code=codes.KEYS)
