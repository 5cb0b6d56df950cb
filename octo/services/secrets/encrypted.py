"""Secrets in an encrypted file: `encrypted:secrets.json`. `octo secrets` writes it; see `sealed` for its form.

The file may be kept in version control or on a shared disk: who has it and not the keys learns names and lengths.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from octo.core.errors import Permanent
from octo.services import codes, limits
from octo.services.secrets import keys, sealed
from octo.services.secrets.keys import Key
from octo.services.secrets.replacing import replace
from octo.services.secrets.sealed import Sealed
from octo.services.secrets.store import opened, path_of

if TYPE_CHECKING:
    from octo.services.container import Opener

Entries = dict[str, Sealed]


def openers(url: str) -> Mapping[str, Opener]:
    """The opener of the secrets in an encrypted file."""
    return {"secrets": partial(opened, store(url))}


def store(url: str, environ: Mapping[str, str] = os.environ) -> Encrypted:
    """The secrets in the file that an `encrypted:` URL names."""
    path = path_of(url)
    if path is None:
        text = "services: `encrypted:` needs the path of a file, e.g. `encrypted:secrets.json`"
        raise Permanent(text, code=codes.PLACE)
    return Encrypted(path, environ)


class Encrypted:
    """See `octo.core.secrets.Store`. environ: has the keys, or names their file."""

    def __init__(self, path: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._path = path
        self._environ = environ
        self.place = f"the encrypted file {str(path)!r}"

    def check(self) -> None:
        self._read(self._keys())

    def find(self, name: str) -> str | None:
        ring = self._keys()
        found = self._read(ring).get(limits.name(name, "secret name"))
        return None if found is None else sealed.opened(name, found, ring)

    def listed(self) -> list[tuple[str, str]]:
        return [(name, f"key {each.key}") for name, each in sorted(self._read(self._keys()).items())]

    def files(self, name: str) -> list[Path]:  # noqa: ARG002  they all are in one
        named = self._environ.get(keys.FILE_VARIABLE)
        return [self._path, *([Path(named)] if named else [])]

    # --- writing -------------------------------------------------------------------------------------------------

    def set(self, name: str, text: str) -> bool:
        """Write the secret, with the newest key. Makes the file if there is none. Returns whether it is a new one."""
        limits.name(name, "secret name")
        if len(text.encode()) > limits.LARGEST_VALUE:
            raise limits.beyond(f"a secret has at most {limits.LARGEST_VALUE:,} bytes")
        was_there = False

        def change(entries: Entries, ring: Sequence[Key]) -> None:
            nonlocal was_there
            was_there = name in entries
            entries[name] = sealed.sealed(name, text, ring[0])

        self._change(change, makes=True)
        return not was_there

    def remove(self, name: str) -> bool:
        """Remove the secret. Returns whether there was one."""
        was_there = False

        def change(entries: Entries, ring: Sequence[Key]) -> None:  # noqa: ARG001
            nonlocal was_there
            was_there = entries.pop(name, None) is not None

        self._change(change)
        return was_there

    def rotate(self) -> tuple[int, str]:
        """Write all secrets anew, with the newest key. Afterwards no other is needed.

        Returns how many there are, and the id of the key.
        """
        count, key = 0, ""

        def change(entries: Entries, ring: Sequence[Key]) -> None:
            nonlocal count, key
            count, key = len(entries), ring[0].id
            for name, each in entries.items():
                entries[name] = sealed.sealed(name, sealed.opened(name, each, ring), ring[0])

        self._change(change)
        return count, key

    def _change(self, change: Callable[[Entries, Sequence[Key]], None], *, makes: bool = False) -> None:
        """Read all, change them, and put them in place of the old ones at once, or leave everything as it was."""
        ring = self._keys()
        with _alone(self._path.resolve().parent):
            entries = {} if makes and not os.path.lexists(self._path) else self._read(ring)
            change(entries, ring)
            data = sealed.written(entries, ring[0])
            if len(data) > sealed.MOST_BYTES:
                raise limits.beyond(f"{self.place} would have more than {sealed.MOST_BYTES:,} bytes")
            replace(self._path, data)

    def _read(self, ring: Sequence[Key]) -> Entries:
        try:
            with self._path.open("rb") as file:
                data = file.read(sealed.MOST_BYTES + 1)
        except FileNotFoundError:
            raise Permanent(f"{self.place} does not exist; `octo secrets set` makes it", code=codes.PLACE) from None
        except OSError as error:
            raise Permanent(f"{self.place} cannot be read: {error.strerror}", code=codes.UNREADABLE) from None
        if len(data) > sealed.MOST_BYTES:
            raise limits.beyond(f"{self.place} has more than {sealed.MOST_BYTES:,} bytes")
        return sealed.read(data, self.place, ring)

    def _keys(self) -> Sequence[Key]:
        return keys.read(self._environ)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time: of two that read the same file, the second would take back what the first has written."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        text = f"the folder {str(folder)!r} cannot be opened: {error.strerror}"
        raise Permanent(text, code=codes.UNREADABLE) from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
