"""The flow files that a command line names: files, folders, patterns, `-` for standard input, or nothing at all.

Nothing means the working directory. Patterns are expanded here too, because some shells leave that to the program.
"""

from __future__ import annotations

import glob
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from octo.cli.terminal import is_terminal, say
from octo.config.documents import Config
from octo.config.files import SUFFIXES, is_test, yaml_files
from octo.core.errors import ConfigError

STDIN = Path("-")

_CASES = re.compile(rb"^cases\s*:", re.MULTILINE)
_FLOWS = re.compile(rb"^flows\s*:", re.MULTILINE)
_ENOUGH = 8 * 1024 * 1024
"""Bytes of a file that are looked at; larger files are refused where they are read."""

_LOOKED_FOR = "*.yaml and *.yml, without tests (NAME_test.yaml) and names that begin with `.`, `#` or `~`"


class Named(NamedTuple):
    """The paths of one configuration.

    text: what standard input said, for the path `-`. services: what `--services` said, which may name secrets.
    """

    paths: tuple[Path, ...]
    text: bytes | None = None
    services: str | None = None

    def __str__(self) -> str:
        return ", ".join(map(str, self.paths))

    @property
    def place(self) -> Path:
        """The folder beside which modules, `.env` files and resources are looked for, or a file in it."""
        return Path() if self.text is not None else self.paths[0]

    @property
    def watched(self) -> tuple[Path, ...]:
        """What to watch while it cannot be loaded."""
        from octo.config.load import candidates

        return (*self.paths, *candidates(self.paths[0], os.environ, *self.paths[1:]))

    def load(self, environ: Mapping[str, str] = os.environ) -> Config:
        """Read and check it. Raises ConfigError."""
        from octo.builtin import plugins
        from octo.config.load import load, load_text

        if self.services:
            environ = {**environ, "OCTO_SERVICES": self.services}
        if self.text is not None:
            return load_text(self.text, plugins(), environ, "<standard input>")
        return load(self.paths[0], plugins(), environ, *self.paths[1:])


def named(paths: Sequence[Path], verb: str, *, one: bool = False) -> Named:
    """The configuration at these paths, or in the working directory.

    verb: for hints that can be pasted. one: whether the verb takes one path, and standard input is for something else.
    """
    if not paths:
        return Named((_here(verb),))
    if one:
        return Named(tuple(paths))
    if STDIN in paths:
        if len(paths) > 1:
            raise click.UsageError("`-` reads the whole configuration from standard input; name nothing else")
        return Named((STDIN,), _stdin())
    found = expanded(paths)
    flows = tuple(each for each in found if not holds_tests(each))
    if not flows:
        raise click.UsageError(_only_tests(found[0], verb))
    return Named(flows)


def _stdin() -> bytes:
    from octo.config.yaml import MOST_BYTES

    if is_terminal(sys.stdin):
        say("reading the configuration from standard input; Ctrl-D ends it", err=True)
    return sys.stdin.buffer.read(MOST_BYTES + 1)  # more is refused where it is read


def expanded(paths: Iterable[Path]) -> list[Path]:
    """The paths, with patterns such as `flows/*.yaml` replaced by what they match. One without a match is refused."""
    found: list[Path] = []
    for path in paths:
        if path.exists() or not glob.has_magic(str(path)):
            found.append(path)
            continue
        matches = sorted(map(Path, glob.glob(str(path), recursive=True)))  # noqa: PTH207  also absolute patterns
        if not matches:
            raise click.UsageError(f"no file matches {str(path)!r} in {Path.cwd()}")
        found += matches
    return found


def is_path(word: str) -> bool:
    """Whether a word means flow files: there is such a file or folder, or it looks like one."""
    return word.lower().endswith(SUFFIXES) or os.sep in word or Path(word).exists()


def holds_tests(path: Path) -> bool:
    """Whether it is a test file, which a pattern such as `*.yaml` names too."""
    return is_test(path) and _holds(path, _CASES)


def _holds(path: Path, content: re.Pattern[bytes]) -> bool:
    try:
        with path.open("rb") as file:
            return content.search(file.read(_ENOUGH)) is not None
    except OSError:
        return False


def _only_tests(path: Path, verb: str) -> str:
    """What to do with a test file instead."""
    flow = path.with_name(f"{path.stem[: -len('_test')]}{path.suffix}")
    hints = [f"`octo test {shlex.quote(str(path))}` runs it"]
    if flow.is_file():
        hints.append(f"`octo {verb} {shlex.quote(str(flow))}` takes the flows that it tests")
    return f"{str(path)!r} is a test file; {', '.join(hints)}"


def _here(verb: str) -> Path:
    here = Path()
    try:
        found = yaml_files(here)
    except OSError as error:
        raise click.UsageError(f"the working directory cannot be read: {error.strerror}") from None
    if any(not is_test(each) for each in found):
        return here
    hints = [f"octo {verb} PATH      takes a file or folder"] if not (near := _below(_is_flow_file, _FLOWS)) else []
    hints += [f"octo {verb} {shlex.quote(str(each))}" for each in near]
    hints += ["octo new NAME      makes a folder with a first flow"] if not near else []
    lines = "\n".join(f"  {each}" for each in hints)
    raise click.UsageError(f"there are no flow files in {Path.cwd()}\nLooked for: {_LOOKED_FOR}.\nTry:\n{lines}")


def _is_flow_file(path: Path) -> bool:
    return not is_test(path)


def refuse_testless() -> None:
    """If the working directory has no tests, but folders in it have: say so, and how to run those."""
    try:
        here = yaml_files(Path())
    except OSError:
        return  # who reads it reports that
    if not any(map(is_test, here)) and (near := _below(is_test, _CASES)):
        lines = "".join(f"\n  octo test {shlex.quote(str(each))}" for each in near)
        raise click.UsageError(f"there are no test files in {Path.cwd()}; they are named NAME_test.yaml\nTry:{lines}")


def _below(wanted: Callable[[Path], bool], content: re.Pattern[bytes]) -> list[Path]:
    """The first few folders in the working directory with such files: `octo new shop` was called one level up."""
    try:
        folders = sorted(each for each in Path().iterdir() if each.is_dir() and not each.name.startswith("."))
    except OSError:
        return []
    return [each for each in folders[:100] if _has(each, wanted, content)][:3]


def _has(folder: Path, wanted: Callable[[Path], bool], content: re.Pattern[bytes]) -> bool:
    try:
        return any(_holds(each, content) for each in list(filter(wanted, yaml_files(folder)))[:20])
    except OSError:
        return False


def told(error: ConfigError, paths: Sequence[Path], verb: str) -> str:
    """What to do if a folder was taken together although its files do not belong together; or ""."""
    from octo.config import codes

    strangers = {codes.SERVICE_TWICE, codes.DUPLICATE_NAME, codes.UNKNOWN_KEY}
    if len(paths) != 1 or not paths[0].is_dir() or not any(each.code in strangers for each in error.problems):
        return ""
    files = [each for each in yaml_files(paths[0]) if not is_test(each)]
    if len(files) < 2:
        return ""
    names = ", ".join(each.name for each in files[:6]) + (", ..." if len(files) > 6 else "")
    one = next((each for each in files if _holds(each, _FLOWS)), files[0])
    cure = f"For one: octo {verb} {shlex.quote(str(one))}"
    if verb == "check":
        where = "" if paths[0] == Path() else f"{shlex.quote(str(paths[0]))}/"
        cure = f"Each for itself: octo check {where}*{one.suffix}"
    return f"A folder is one configuration; here {names} were put together. {cure}"
