"""Files below a folder, and nothing else: no name and no link leads out of it.

Kubernetes mounts a folder in which each file is a link into `..data`, itself a link that is swapped when the content
changes. So links within the folder are followed, and a file that vanishes during the reading is read again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from errno import ELOOP, ENAMETOOLONG
from pathlib import Path
from stat import S_ISREG

from octo.core.errors import Permanent
from octo.services import codes, limits
from octo.services.ports import Missing

TRIES = 5
"""How often a file is read that vanishes while it is read, because its folder is being swapped."""
MOST_FILES = 10_000
"""Files below a folder that are listed, at most."""


class Folder:
    """See the module. what: a word for its files in errors, e.g. `secret`."""

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self.what = what

    def check(self) -> None:
        """Raise `Permanent` unless the folder is there."""
        if not self.path.is_dir():
            raise Permanent(f"the folder {str(self.path)!r} of the {self.what}s does not exist", code=codes.PLACE)

    def read(self, name: str, most: int) -> bytes:
        """The content of a file of at most so many bytes. Raises `Missing`, and `Permanent` if it cannot be read."""
        for _ in range(TRIES):
            try:
                return self._read(name, most)
            except FileNotFoundError:
                if not os.path.lexists(self.path / name):
                    break
            except (NotADirectoryError, IsADirectoryError, RuntimeError):  # RuntimeError: a link to itself
                break
            except OSError as error:
                if error.errno in (ENAMETOOLONG, ELOOP):
                    break
                text = f"the {self.what} {name[:80]!r} cannot be read: {error.strerror}"
                raise Permanent(text, code=codes.UNREADABLE) from None
        raise Missing(f"there is no {self.what} {name[:80]!r} in {str(self.path)!r}")

    def _read(self, name: str, most: int) -> bytes:
        path = (self.path / name).resolve(strict=True)
        if not path.is_relative_to(self.path.resolve(strict=True)):
            raise limits.beyond(f"the {self.what} {name[:80]!r} is a link that leads out of {str(self.path)!r}")
        # Not blocking: to open a pipe would wait for who writes into it.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not S_ISREG(os.fstat(file.fileno()).st_mode):
                raise IsADirectoryError
            data = file.read(most + 1)
        if len(data) > most:
            raise limits.beyond(f"the {self.what} {name[:80]!r} has more than {most:,} bytes")
        return data

    def names(self) -> Iterator[str]:
        """The paths of the files, relative and with `/`. Names that begin with `.` are left out, as folders too."""
        found = 0
        for parent, folders, files in os.walk(self.path):
            folders[:] = [each for each in folders if not each.startswith(".")]
            for each in files:
                if each.startswith("."):
                    continue
                found += 1
                if found > MOST_FILES:
                    raise limits.beyond(f"there are more than {MOST_FILES:,} files in {str(self.path)!r}")
                path = Path(parent, each)
                if path.is_file():
                    yield path.relative_to(self.path).as_posix()
