"""The keys that seal what is stored: those that the platform is given, else one that it makes, in a file of its own."""

from __future__ import annotations

import os

from octo_platform.options import Options
from octo_platform.storage.sealing import new_key


class NoKey(Exception):
    """There is no key, and none may be made: several processes would each make their own."""


def read_keys(options: Options) -> list[str]:
    """The keys, the newest first. Without any, a file `keys` in the folder is read, and made if it is not there.

    Raises `NoKey` where the database is not in the folder: then a key that is lost with it would lose all secrets.
    """
    if options.keys:
        return [each.get_secret_value() for each in options.keys]
    path = options.folder / "keys"
    try:
        return [line for line in path.read_text().split() if line]
    except FileNotFoundError:
        if options.database and not options.database.startswith("sqlite:"):
            raise NoKey("a database on a server needs a key: set OCTO_PLATFORM_KEYS, see `octo platform key`") from None
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as stream:
        stream.write(f"{(key := new_key())}\n")
    return [key]
