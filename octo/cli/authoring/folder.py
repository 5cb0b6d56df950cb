"""The files of a project: the one place that reads and writes them, for assistants and for the editor.

Invariant: nothing outside of the folder is opened. Each part of a path is opened below the one before it and must be no
link, so that a link that somebody puts there meanwhile leads nowhere either.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

from octo.cli.authoring import codes
from octo.cli.authoring.refusal import Refused
from octo.config.files import SUFFIXES, is_test
from octo.core.secrets import MASKED

MOST_BYTES = 1 << 20
MOST_FILES, MOST_SEEN = 1_000, 50_000
"""Files in a list, and entries of folders that are looked at for it, at most."""
MOST_DEEP = 12
"""Parts of a path, at most."""
MOST_NAME = 200
"""Characters of a part of a path, at most."""

_TEXTS = "yaml yml json csv tsv txt md html htm css js svg xml xsd xsl sql proto avsc graphql tmpl j2 jinja mustache"
WRITTEN = frozenset(f".{each}" for each in _TEXTS.split())
"""Endings of what an assistant may write: flows, tests, and texts that flows read."""
READ = WRITTEN | {".py", ".toml"}
_SKIPPED = frozenset({"__pycache__", "node_modules", "octo-store", "venv"})
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_WHERE = "give the path relative to the project folder, e.g. flow.yaml; list_files shows what there is"


class Text(NamedTuple):
    """A file as it was read."""

    text: str
    hash: str


class Listed(NamedTuple):
    """A file in the list. kind: what it is for."""

    path: str
    kind: str
    bytes: int


class Rules(NamedTuple):
    """What may be read and written. read, written: endings of names, None for any. most_bytes: of a file.

    hides: whether secrets read `«secret»` where a text is shown, so that nobody may write that. dotted: names that are
    open although they begin with a dot. mode: of a new file, None for the usual one.
    """

    read: frozenset[str] | None = READ
    written: frozenset[str] | None = WRITTEN
    most_bytes: int = MOST_BYTES
    hides: bool = True
    dotted: frozenset[str] = frozenset()
    mode: int | None = None

    def is_closed(self, name: str) -> bool:
        """Whether a part of a path leads to what is nobody's business here."""
        return (name.startswith(".") and name not in self.dotted) or name in _SKIPPED


class Folder:
    """A project folder. closed: the paths in it that hold secrets, whatever they are called."""

    def __init__(self, root: Path, closed: Callable[[], Collection[str]] = tuple, rules: Rules = Rules()) -> None:  # noqa: B008  a value
        self.root = root.resolve()
        self._closed = closed
        self._rules = rules
        self._mode = 0o666 & ~_umask() if rules.mode is None else rules.mode

    # --- reading ---

    def files(self, name: str = ".") -> list[Listed]:
        """What an assistant may read in the folder and below it, sorted by path."""
        below = Path(self.place(name))
        found = [
            Listed(path.as_posix(), kind(path), stat.st_size) for path, stat in islice(self.walk(below), MOST_FILES)
        ]
        closed = self._closed()
        return sorted(each for each in found if each.path not in closed)

    def walk(self, below: Path = Path()) -> Iterator[tuple[Path, os.stat_result]]:
        """The files that may be read in a folder and below it, each relative to the project."""
        return self._walk(below, count(1))

    def _walk(self, below: Path, seen: Iterator[int]) -> Iterator[tuple[Path, os.stat_result]]:
        try:
            entries = sorted(os.scandir(self.root / below), key=lambda each: each.name)
        except OSError:
            return  # it is gone, or closed to us
        for each in entries:
            path = below / each.name
            if next(seen) > MOST_SEEN:
                raise Refused(codes.SIZE, f"the project has more than {MOST_SEEN} files", "name a folder in it")
            if self._rules.is_closed(each.name) or each.is_symlink():
                continue
            if each.is_dir(follow_symlinks=False) and len(path.parts) < MOST_DEEP:
                yield from self._walk(path, seen)
            elif each.is_file(follow_symlinks=False) and _ends(path.name, self._rules.read):
                with suppress(FileNotFoundError):
                    yield path, each.stat(follow_symlinks=False)

    def read(self, name: str) -> Text:
        """The text of a file. Raises `Refused`."""
        data = self.data(name)
        if data is None:
            raise Refused(codes.MISSING, f"there is no file {name!r}", self._shown)
        return Text(_text(data, name), hash_of(data))

    def data(self, name: str) -> bytes | None:
        """The bytes of a file, None if there is none. Raises `Refused`."""
        parts = self._open(name, self._rules.read)
        with self._folder(parts[:-1]) as inside:
            return _content(inside, parts[-1], name, self._rules.most_bytes)

    def place(self, name: str) -> str:
        """The path of a file or folder for the engine, `.` for the folder itself. Raises `Refused`."""
        if name in ("", ".", "./"):
            return "."
        parts = parted(name, rules=self._rules)
        with self._folder(parts[:-1]) as inside:
            try:
                mode = os.stat(parts[-1], dir_fd=inside, follow_symlinks=False).st_mode
            except OSError:
                raise Refused(codes.MISSING, f"there is no file or folder {name!r}", _WHERE) from None
        if stat.S_ISLNK(mode):
            raise _outside(name, "is a link")
        return "/".join(parts)

    # --- writing ---

    def write(self, name: str, known: str, text: str) -> str:
        """Write the whole file if it still has the hash `known`, "" for a new one. Return its hash."""
        return self._change(name, known, lambda _: text)

    def edit(self, name: str, known: str, edits: Sequence[Mapping[str, str]]) -> str:
        """Replace texts in the file if it still has the hash `known`: all of them, or nothing. Return its hash."""
        return self._change(name, known, lambda text: _edited(text, edits, name))

    def _change(self, name: str, known: str, change: Callable[[str], str]) -> str:
        parts = self._open(name, self._rules.written)
        with self._folder(parts[:-1], make=not known) as inside, _alone(inside):
            old = _content(inside, parts[-1], name, self._rules.most_bytes)
            _check_hash(old, known, name)
            before = "" if old is None else _text(old, name)
            text = change(before)
            if self._rules.hides and text.count(MASKED) > before.count(MASKED):
                raise Refused(codes.HIDDEN, f"the new text has {MASKED} in it", "leave the lines with secrets alone")
            data = text.encode()
            if len(data) > self._rules.most_bytes:
                raise Refused(codes.SIZE, f"the new text has more than {self._rules.most_bytes >> 20} MiB")
            try:
                _replace(inside, parts[-1], data, self._mode)
            except FileNotFoundError:  # somebody has removed the folder that was opened
                raise Refused(codes.MISSING, f"the folder of {name!r} is gone", "write the file again") from None
        return hash_of(data)

    def delete(self, name: str, known: str) -> None:
        """Remove the file if it still has the hash `known`."""
        parts = self._open(name, self._rules.written)
        with self._folder(parts[:-1]) as inside, _alone(inside):
            self._known(inside, parts[-1], name, known)
            os.unlink(parts[-1], dir_fd=inside)

    def rename(self, name: str, known: str, new: str) -> None:
        """Give the file another path if it still has the hash `known` and nothing is there."""
        parts, wanted = self._open(name, self._rules.written), self._open(new, self._rules.written)
        with (
            self._folder(parts[:-1]) as inside,
            self._folder(wanted[:-1], make=True) as target,
            _alone(inside),
        ):
            self._known(inside, parts[-1], name, known)
            try:
                _move(inside, parts[-1], target, wanted[-1])
            except FileExistsError:
                raise Refused(codes.STALE, f"the file {new!r} is there already", "choose another name") from None

    def _known(self, inside: int, part: str, name: str, known: str) -> None:
        """Check that the file is there and has this hash."""
        old = _content(inside, part, name, self._rules.most_bytes)
        if old is None:
            raise Refused(codes.MISSING, f"there is no file {name!r}", self._shown)
        _check_hash(old, known, name)

    @property
    def _shown(self) -> str:
        return "list_files shows what there is" if self._rules.hides else ""

    def _open(self, name: str, endings: frozenset[str] | None) -> list[str]:
        parts = parted(name, endings, self._rules)
        if "/".join(parts) in self._closed():
            raise Refused(codes.KIND, f"the file {name!r} holds variables of the environment, which may be secret")
        return parts

    @contextmanager
    def _folder(self, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """A descriptor of the folder of a path."""
        try:
            inside = os.open(self.root, _DIRECTORY)
        except FileNotFoundError:
            raise Refused(codes.MISSING, "the project folder is gone") from None
        try:
            for each in parts:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(each, dir_fd=inside)
                try:
                    deeper = os.open(each, _DIRECTORY, dir_fd=inside)
                except FileNotFoundError:
                    raise Refused(codes.MISSING, f"there is no folder {'/'.join(parts)!r}", _WHERE) from None
                except OSError:
                    raise _outside("/".join(parts), "goes through something that is no folder, or a link") from None
                os.close(inside)
                inside = deeper
            yield inside
        finally:
            os.close(inside)


def parted(name: str, endings: frozenset[str] | None = None, rules: Rules = Rules()) -> list[str]:  # noqa: B008
    """The parts of a path, if it is one of a file with one of these endings. Raises `Refused`."""
    parts = name.split("/")
    if not name or name.startswith("/") or "\\" in name or ".." in parts:
        raise _outside(name, "is no path below the project folder")
    if not name.isprintable() or len(parts) > MOST_DEEP or any(len(each) > MOST_NAME for each in parts):
        raise _outside(name, "is no path that a project has")
    parts = [each for each in parts if each != "."]
    if not parts or not all(parts) or any(map(rules.is_closed, parts)):
        raise _outside(name, "goes through a name that is closed here")
    if not _ends(parts[-1], endings):
        listed = " ".join(sorted(endings or ()))
        raise Refused(codes.KIND, f"{name!r} is not a kind of file for this", f"there are: {listed}")
    return parts


def _ends(name: str, endings: frozenset[str] | None) -> bool:
    return endings is None or Path(name).suffix.lower() in endings


def kind(path: Path) -> str:
    """What a file is for."""
    if path.suffix.lower() in SUFFIXES:
        return "test" if is_test(path) else "flow"
    return "module" if path.suffix == ".py" else "text"


def hash_of(data: bytes) -> str:
    """What an edit names: half of the digits are enough to tell versions of a file apart."""
    return sha256(data).hexdigest()[:32]


def _outside(name: str, why: str) -> Refused:
    return Refused(codes.OUTSIDE, f"the path {name[:MOST_NAME]!r} {why}", _WHERE)


def _check_hash(old: bytes | None, known: str, name: str) -> None:
    now = "" if old is None else hash_of(old)
    if now == known:
        return
    if not now:
        raise Refused(codes.STALE, f"there is no file {name!r} any more", "hash '' makes it anew", current_hash="")
    if not known:
        hint = "read_file, then edit it with its hash; or choose another name"
        raise Refused(codes.STALE, f"the file {name!r} is there already", hint, current_hash=now)
    hint = "read_file again, and make the edit on what the file says now"
    raise Refused(codes.STALE, f"the file {name!r} has changed since it was read", hint, current_hash=now)


def _edited(text: str, edits: Sequence[Mapping[str, str]], name: str) -> str:
    for number, each in enumerate(edits, 1):
        found = text.count(each["find"])
        if found != 1:
            times = "not" if not found else f"{found} times"
            raise Refused(
                codes.NOT_ONCE,
                f"the `find` of edit {number} is {times} in {name!r}; nothing was written",
                "write more of the lines around it" if found else "read_file again: blanks and line breaks count",
            )
        text = text.replace(each["find"], each["replace"])
    return text


def _content(inside: int, name: str, path: str, most: int) -> bytes | None:
    """The bytes of a regular file, None if there is none."""
    try:
        # A pipe or a device would be waited for, if it were opened as a file.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=inside)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _outside(path, f"cannot be opened: {error.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Refused(codes.KIND, f"{path!r} is no file")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise Refused(codes.SIZE, f"the file {path!r} has more than {most >> 20} MiB")
    return data


def _text(data: bytes, name: str) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Refused(codes.KIND, f"the file {name!r} is no text in UTF-8") from None
    if "\0" in text:
        raise Refused(codes.KIND, f"the file {name!r} is no text: it has zero bytes")
    return text


@contextmanager
def _alone(inside: int) -> Iterator[None]:
    """Nobody else who edits through such a server is between the check of a hash and the write in this folder."""
    fcntl.flock(inside, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(inside, fcntl.LOCK_UN)


def _replace(inside: int, name: str, data: bytes, mode: int) -> None:
    """Write beside and rename: whoever watches the folder never sees half a file. mode: of a new file."""
    beside = f".{name[:60]}.{secrets.token_hex(4)}~"
    owner = None
    with suppress(FileNotFoundError):
        before = os.stat(name, dir_fd=inside, follow_symlinks=False)
        mode, owner = stat.S_IMODE(before.st_mode), (before.st_uid, before.st_gid)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=inside)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if owner is not None:
                with suppress(PermissionError):  # only root may give a file away
                    os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.rename(beside, name, src_dir_fd=inside, dst_dir_fd=inside)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside, dir_fd=inside)
        raise


def _move(inside: int, name: str, target: int, new: str) -> None:
    """Give a file another name where nothing is: a link is refused there, while a renaming would replace it."""
    try:
        os.link(name, new, src_dir_fd=inside, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a file system without such links
        with suppress(FileNotFoundError):
            os.stat(new, dir_fd=target, follow_symlinks=False)
            raise FileExistsError from None
        os.rename(name, new, src_dir_fd=inside, dst_dir_fd=target)
    else:
        os.unlink(name, dir_fd=inside)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
