"""Secrets in the files of a folder, one in each, as Kubernetes and Docker mount them: `files:/run/secrets`.

A secret is read anew each time, so what was swapped is seen at the next reading.
"""

from __future__ import annotations

from pathlib import Path

from octo.core.errors import Permanent
from octo.services import codes, limits
from octo.services.folder import Folder
from octo.services.ports import Missing
from octo.services.secrets.store import trimmed


class Mounted:
    """See `octo.core.secrets.Store`."""

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder, "secret")
        self.place = f"the folder {str(folder)!r}"

    def check(self) -> None:
        self._folder.check()

    def find(self, name: str) -> str | None:
        if "/" in name or name.startswith("."):
            raise limits.beyond(f"{name[:80]!r} is no secret name: write that of a file, without `/` and a `.` before")
        self.check()
        try:
            data = self._folder.read(name, limits.LARGEST_VALUE)
        except Missing:
            return None
        try:
            return trimmed(data.decode())
        except UnicodeDecodeError:
            raise Permanent(f"the secret {name[:80]!r} is not text in UTF-8", code=codes.UNREADABLE) from None

    def listed(self) -> list[tuple[str, str]]:
        self.check()
        return [(each, "") for each in sorted(self._folder.names()) if "/" not in each]

    def files(self, name: str) -> list[Path]:
        return [self._folder.path / name]
