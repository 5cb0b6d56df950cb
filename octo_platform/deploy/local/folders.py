"""What deployments have on disk: a folder each, which only this user may enter, and which goes with the deployment.

ROOT/<deployment>/bundles/<hash>/   the files of a version; never changed
                  secrets/<chance>/ the secrets of some instances, a file each
                  work/ home/ tmp/  where its processes stand
                  store/ traces/    what its flows keep
                  logs/             what its instances wrote
                  port              the port that the world calls
ROOT/.run/                          operations sockets
"""

from __future__ import annotations

import os
import re
import secrets as chance
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from octo_platform.deploy.target import Refused

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,62}")
_HASH = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")
_LONGEST_PATH, _LONGEST_NAME = 1024, 255
_LONGEST_SOCKET = 100
"""Bytes of the path of a unix socket; systems take 104 to 108."""
_OURS = ("work", "home", "tmp", "store", "traces", "logs")
_GONE, _HALF = ".gone-", ".half-"


class Root:
    """The folder of all deployments."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def prepare(self) -> None:
        """Make it, and remove what a process before left half removed. Raises OSError."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o700)
        for each in self.path.glob(f"{_GONE}*"):
            remove(each)

    def sockets(self) -> Path:
        """An empty folder for operations sockets, with a path that is short enough."""
        usual = self.path / ".run"
        with suppress(OSError):  # there was none
            remove(usual.resolve() if usual.is_symlink() else usual)
        if usual.is_symlink():
            usual.unlink()
        if len(os.fsencode(usual)) + len("/12345678.sock") <= _LONGEST_SOCKET:
            usual.mkdir(mode=0o700)
            return usual
        short = Path(tempfile.mkdtemp(prefix="octo-"))
        usual.symlink_to(short)
        return short

    def forget_sockets(self, folder: Path) -> None:
        with suppress(OSError):
            remove(folder)
        usual = self.path / ".run"
        if usual.is_symlink():
            usual.unlink()

    def deployments(self) -> set[str]:
        """The ids of all that have a folder."""
        return {each.name for each in self.path.iterdir() if _ID.fullmatch(each.name) and each.is_dir()}

    def folder(self, deployment: str) -> Folder:
        """Raises `Refused` for what is no id."""
        if not _ID.fullmatch(deployment):
            raise Refused(f"{deployment[:80]!r} is no id of a deployment")
        return Folder(self.path / deployment)

    def ports(self) -> set[int]:
        """The ports that deployments remember, also those of other environments, whose folders are beside this one."""
        return {port for each in self.path.parent.glob("*/*/port") if (port := Folder(each.parent).port())}


class Folder:
    """The folder of one deployment."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        return self.path.is_dir()

    def prepare(self) -> None:
        for name in ("", "bundles", "secrets", *_OURS):
            (self.path / name).mkdir(mode=0o700, exist_ok=True)

    # --- files of versions ---------------------------------------------------------------------------------------

    def bundle(self, name: str, files: Mapping[str, bytes]) -> Path:
        """The folder with these files, written if it is not there yet. name: the hash of the version.

        Raises `Refused` if a path would lead out of it, or is no path of a file.
        """
        if not _HASH.fullmatch(name):
            raise Refused(f"{name[:80]!r} is no hash of a version")
        for path in files:
            check_path(path)
        place = self.path / "bundles" / name
        if _has(place, files):
            return place
        half = place.with_name(f"{_HALF}{chance.token_hex(4)}")
        try:
            half.mkdir(mode=0o700)
            _write(half, files)
            if place.exists():  # cut off by a loss of power, or changed by somebody
                remove(place)
            half.rename(place)
            place.chmod(0o500)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise Refused(f"one path is both a file and a folder: {Path(error.filename or '').name!r}") from error
        finally:
            remove(half)
        return place

    def secrets(self, values: Mapping[str, str]) -> Path:
        """A new folder with these secrets. Its name says nothing: arguments of processes show it."""
        for name in values:
            if not name or name.startswith(".") or "/" in name or "\0" in name or len(os.fsencode(name)) > 253:
                raise Refused(f"{name[:80]!r} is no name of a secret: it has no `/`, and no `.` at its beginning")
        place = self.path / "secrets" / chance.token_hex(8)
        place.mkdir(mode=0o700)
        _write(place, {name: value.encode() for name, value in values.items()})
        place.chmod(0o500)
        return place

    def keep_only(self, used: Iterable[Path]) -> None:
        """Remove the bundles and secrets that nobody uses any more."""
        kept = set(used)
        for each in (*(self.path / "bundles").glob("*"), *(self.path / "secrets").glob("*")):
            if each not in kept:
                remove(each)

    # --- the port ------------------------------------------------------------------------------------------------

    def port(self) -> int | None:
        """The port that it had last."""
        with suppress(OSError, ValueError):
            found = int((self.path / "port").read_text()[:10])
            return found if 0 < found < 65536 else None
        return None

    def remember(self, port: int) -> None:
        fresh = self.path / "port~"
        fresh.write_text(f"{port}\n")
        fresh.replace(self.path / "port")

    def remove(self) -> None:
        """Remove everything. Whatever a crash leaves of it is no folder of a deployment any more."""
        gone = self.path.with_name(f"{_GONE}{chance.token_hex(8)}")
        with suppress(FileNotFoundError):
            self.path.rename(gone)
            remove(gone)


def check_path(path: str) -> None:
    """Raise `Refused` unless this is the relative path of a file that stays below its folder."""
    parts = path.split("/")
    if (
        not path.isprintable()
        or "\\" in path
        or len(os.fsencode(path)) > _LONGEST_PATH
        or any(part in ("", ".", "..") or len(os.fsencode(part)) > _LONGEST_NAME for part in parts)
    ):
        raise Refused(f"{path[:80]!r} is no path of a file below a folder")


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into a fresh folder, and let nobody write there any more."""
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o400)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    for parent, _, _ in os.walk(folder):
        if Path(parent) != folder:  # itself is renamed yet, which needs the right to write
            Path(parent).chmod(0o500)


def _has(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether the folder has just these files."""
    if not folder.is_dir():
        return False
    found = {
        Path(parent, name).relative_to(folder).as_posix() for parent, _, names in os.walk(folder) for name in names
    }
    if found != set(files):
        return False
    return all((folder / path).read_bytes() == content for path, content in files.items())


def remove(folder: Path) -> None:
    """Remove a folder, if it is there, also where its parts cannot be written."""
    if not folder.is_dir():
        return
    folder.chmod(0o700)
    for parent, names, _ in os.walk(folder):
        for name in names:
            if not (place := Path(parent, name)).is_symlink():
                place.chmod(0o700)
    shutil.rmtree(folder)
