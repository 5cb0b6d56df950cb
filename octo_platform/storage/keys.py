"""The keys that seal what is stored: those that the platform is given, else one that it makes, in a file of its own."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from octo_platform.options import Options
from octo_platform.storage.sealing import Keyring, new_key


class NoKey(Exception):
    """There is no key, and none may be made: several processes would each make their own."""


def read_keys(options: Options) -> list[str]:
    """The keys, the newest first. Without any, a file `keys` in the folder is read, and made if it is not there.

    Raises `NoKey` where the file has none, and where the database is not in the folder: then a key that is lost with it
    would lose all secrets.
    """
    if options.keys:
        return [each.get_secret_value() for each in options.keys]
    path = options.folder / "keys"
    with suppress(FileNotFoundError):
        found = path.read_bytes().decode("ascii", errors="replace").split()
        if found:
            try:
                Keyring(found)
            except ValueError as error:
                raise NoKey(f"{path}: {error}: write the key into it again") from None
            return found
        raise NoKey(f"{path} is empty: write the key into it again, or remove it if nothing was stored with one")
    if "://" in options.database:
        raise NoKey("a database on a server needs a key: set OCTO_PLATFORM_KEYS, see `octo platform key`")
    return [_made(path)]


def _made(path: Path) -> str:
    """A new key in a file, which is there whole or not at all, and before anything is sealed with it."""
    half = path.with_name(f"{path.name}~{os.getpid()}")
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(f"{(key := new_key())}\n")
            stream.flush()
            os.fsync(stream.fileno())
        half.rename(path)
    finally:
        half.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return key
