"""The files of an integration: which paths they may have, how large they may be, and the hash of all of them."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from typing import Literal

from octo_platform.problem import Problem

MOST_FILES = 500
LARGEST_FILE = 1 << 20
LARGEST = 16 << 20
"""Bytes of all files of an integration together."""

_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ -]*(?:/[A-Za-z0-9_][A-Za-z0-9._ -]*)*")
_LONGEST_PATH = 200
_EPOCH = (1980, 1, 1, 0, 0, 0)

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Of others, zipfile unpacks all that it has read, however much that becomes: 600 bytes of bzip2 are a gigabyte."""

_ENTRY = b"PK\x01\x02"
"""How an entry of the list of an archive begins."""

_MOST_ENTRIES = 10_000
"""More than there may be: a file may be an archive, too."""

Files = Mapping[str, bytes]
Kind = Literal["flow", "test", "resource"]


def checked_path(path: str) -> str:
    """The path, if it is one: relative, with `/`, no part of it hidden or `..`. `.env` alone may begin with a dot."""
    *folders, name = path.split("/")
    plain = "/".join([*folders, name.removeprefix(".") if name == ".env" else name])
    is_plain = _PATH.fullmatch(plain) and not any(part.endswith((".", " ")) for part in path.split("/"))
    if not is_plain or len(path) > _LONGEST_PATH:
        text = f"{path[:100]!r} is no path of a file: it has letters, digits, `.`, `_` and `-`, e.g. `pages/mail.html`"
        raise Problem("invalid", text)
    return path


def kind_of(path: str) -> Kind:
    """What a file is, which its name says as it does to `octo run`."""
    if "/" not in path and path.endswith((".yaml", ".yml")):
        return "test" if path.rpartition(".")[0].endswith("_test") else "flow"
    return "resource"


def check_files(files: Files) -> None:
    """Refuse too many files, too large ones, and two that cannot lie side by side everywhere. Raises `Problem`."""
    names: dict[str, str] = {}
    for path in files:
        if (other := names.setdefault(path.lower(), path)) != path:  # on macOS and Windows they would be one file
            raise Problem("invalid", f"{other!r} and {path!r} differ only in capitals")
    for path in files:
        parts = path.split("/")
        for above in ("/".join(parts[:length]) for length in range(1, len(parts))):
            if above.lower() in names:
                raise Problem("invalid", f"{above!r} is both a file and the folder of {path!r}")
    if len(files) > MOST_FILES:
        raise Problem("too-large", f"an integration has at most {MOST_FILES} files")
    for path, content in files.items():
        if len(content) > LARGEST_FILE:
            raise Problem("too-large", f"{path}: a file has at most {LARGEST_FILE:,} bytes")
    if sum(map(len, files.values())) > LARGEST:
        raise Problem("too-large", f"the files of an integration have at most {LARGEST:,} bytes together")


def content_hash(files: Files) -> str:
    """SHA-256 over paths and contents, in the order of the paths; 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{len(path.encode())} {path} {len(files[path])}\n".encode())
        digest.update(files[path])
    return digest.hexdigest()


def packed(files: Files) -> bytes:
    """The files as a zip archive, the same bytes each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            archive.writestr(zipfile.ZipInfo(path, _EPOCH), files[path], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    """The files of an archive that `packed` has made, or that somebody sent. Raises `Problem`."""
    if data.count(_ENTRY) > _MOST_ENTRIES:  # to read the list of half a million takes seconds
        raise Problem("too-large", f"an integration has at most {MOST_FILES} files")
    try:
        return _read(data)
    except Problem:
        raise
    except Exception:  # noqa: BLE001  zipfile raises whatever the bytes lead it to
        raise Problem("malformed", "this is no zip archive that can be read") from None


def _read(data: bytes) -> dict[str, bytes]:
    """Read no more than is allowed, whatever the archive claims of itself."""
    files: dict[str, bytes] = {}
    left = LARGEST
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [each for each in archive.infolist() if not each.is_dir()]
        if len(entries) > MOST_FILES:
            raise Problem("too-large", f"an integration has at most {MOST_FILES} files")
        for each in entries:
            if each.compress_type not in _METHODS:
                raise Problem("malformed", f"{each.filename[:100]}: only stored and deflated files are read here")
            with archive.open(each) as file:
                content = file.read(min(left, LARGEST_FILE) + 1)
            left -= len(content)
            if len(content) > LARGEST_FILE or left < 0:
                raise Problem("too-large", f"{each.filename}: this is more than an integration may have")
            # `filename` ends where a NUL is, so what we check is not what others see.
            files[checked_path(each.orig_filename)] = content
    return files
