"""What several verbs share: finding the configuration, loading it, and showing its problems."""

from __future__ import annotations

import gc
import linecache
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from octo.cli import exits
from octo.cli.named import Named, named, told
from octo.cli.terminal import columns, fitting, is_terminal, say
from octo.config import codes
from octo.config.documents import Config
from octo.core.errors import ConfigError, OctoError, Problem
from octo.core.secrets import masked

F = TypeVar("F", bound=Callable[..., Any])


class Number(click.FloatRange):
    """A number in a range. NaN is refused: click's comparisons would accept it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return found


def config_option(command: F) -> F:
    """`--config PATH`, or the path as a plain argument."""
    command = click.option(
        "--config", "-c", "option", type=click.Path(path_type=Path), help="Flow file or folder; default: this folder."
    )(command)
    return click.argument("argument", required=False, type=click.Path(path_type=Path), metavar="[CONFIG]")(command)


def config_path(option: Path | None, argument: Path | None) -> Path:
    """The path, given as the option or as the argument; without it the working directory, if it has flows."""
    if option is not None and argument is not None:
        raise click.UsageError(f"name one flow file or folder: {str(option)!r} or {str(argument)!r}")
    given = option or argument
    return named([given] if given else [], verb(), one=True).paths[0]


def load(configuration: Path | Named, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check the configuration. Raises ConfigError."""
    found = Named((configuration,)) if isinstance(configuration, Path) else configuration
    import_beside(found.place)
    config = found.load(environ)
    if not gc.isenabled():
        # Only after the first load: objects of later loads must be collected with their generation.
        gc.freeze()
        gc.enable()
    return config


def import_beside(path: Path) -> None:
    """Make modules beside the flow file importable: `python` blocks may call their functions."""
    folder = str(folder_of(path))
    if folder not in sys.path:
        sys.path.insert(0, folder)


def folder_of(path: Path) -> Path:
    """The folder of a configuration."""
    return (path if path.is_dir() else path.parent).resolve()


def wants_colour() -> bool:
    """Whether standard output is a terminal and NO_COLOR is not set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def coloured() -> Callable[[str, str], str]:
    """A function that colours a text, or leaves it unchanged when colours are off."""
    if not wants_colour():
        return lambda text, _: text
    return lambda text, colour: click.style(text, bold=True) if colour == "bold" else click.style(text, fg=colour)


def written(path: Path, write: Callable[[Path], object]) -> bool:
    """Call `write`. Return whether it worked; print the reason if it did not."""
    try:
        write(path)
    except OSError as error:
        say(f"cannot write {path}: {error.strerror}", err=True)
        return False
    return True


def refuse(error: OctoError) -> None:
    """Print on stderr what is wrong; each problem with the line that it is about."""
    problems = error.problems if isinstance(error, ConfigError) else None
    if problems is None:
        at = getattr(error, "at", None)  # of a connector that does not open
        say(f"{f'{at}: ' if at else ''}{error.code}: {masked(str(error))}", fg="red", err=True)
        return
    for problem in problems:
        show(problem)
    say(f"{counted(len(problems), 'problem')}. `octo explain CODE` tells more.", bold=True, err=True)


@contextmanager
def refusals(code: int) -> Iterator[None]:
    """Print an error of Octo as `refuse` does, and end the process with this exit code."""
    try:
        yield
    except OctoError as error:
        refuse(error)
        raise SystemExit(code) from None


def counted(number: int, noun: str) -> str:
    """`1 flow`, `2 flows`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def show(problem: Problem, colour: str = "red") -> None:
    """Print one problem: place, code, message, the line with a mark under it, and the hint."""
    place = click.style(f"{problem.at}:", bold=True)
    say(f"{place} {click.style(problem.code, fg=colour)}: {masked(problem.message)}", err=True)
    line = _line(problem)
    if line and line.isprintable():
        number = f"{problem.at.line:>5} | "
        room = columns(sys.stderr, 160 + len(number)) - len(number)
        begin = _begin(len(line), problem.at.column, room) if is_terminal(sys.stderr) else 0
        shown = _without_secrets(masked(line))[begin : begin + room]
        say(f"{number}{'…' + shown[1:] if begin else shown}", err=True)
        if 0 < problem.at.column <= begin + room:
            say(" " * (len(number) + problem.at.column - 1 - begin) + click.style("^", fg=colour), err=True)
    if problem.hint:
        say(f"        {fitting(masked(problem.hint), 8, sys.stderr)}", err=True)


def _begin(length: int, column: int, room: int) -> int:
    """From which character on a line is shown, so that the mark under it is seen."""
    return 0 if column < room - 10 else max(0, min(length - room, column - room // 2))


def _line(problem: Problem) -> str:
    """The line that a problem is about; none of a `.env` file, because an unreadable one may be part of a secret."""
    if not problem.at.line or problem.code == codes.DOTENV:
        return ""
    linecache.checkcache(problem.at.file)  # it may have been edited since the last problem
    return linecache.getline(problem.at.file, problem.at.line).rstrip("\n")


_SECRETS = re.compile(
    r"://[^:/@\s]*:([^@\s]{1,500})@"
    r"|(?:password|secret|token|credential|(?:api|access|secret|private)[_-]?key)[\"']?\s*:\s*"
    r"(?![\"']?\$\{\w+\}(?:[\"'\s,}]|$))"  # a variable's name is none
    r"('[^']*'|\"(?:[^\"\\]|\\.)*\"|(?:\$\{\w+\}|[^\s,}])+)"
    r"|authorization[\"']?\s*:\s*[\"']?(?:bearer|basic)\s+([^\s,}\"']+)"
    r"|(?<![\w-])((?:sk-|tvly-|pcsk_|AIza|gh[a-z]_)[\w-]{8,})"  # as some vendors begin their keys, whatever has them
    r"|(?<![^\s\"'])([A-Za-z0-9+/]{48,}={0,2})(?![^\s\"'])",  # a line of a key in PEM form
    re.IGNORECASE,
)


def _without_secrets(line: str) -> str:
    """The line with likely secrets replaced by as many stars, so that the mark below still is at the right place."""

    def covered(found: re.Match[str]) -> str:
        start, end = (each - found.start() for each in found.span(found.lastindex or 0))
        return found[0][:start] + "*" * (end - start) + found[0][end:]

    return _SECRETS.sub(covered, line)


def verb() -> str:
    """The words behind `octo` that lead to the command under way, e.g. `dlq list`."""
    return " ".join(click.get_current_context().command_path.split()[1:]) or "run"


def load_or_exit(path: Path, read: Callable[[Path], Config] = load) -> Config:
    """The configuration. If it is wrong, print all its problems and exit."""
    try:
        config = read(path)
    except ConfigError as error:
        refuse(error)
        if hint := told(error, [path], verb()):
            say(hint, err=True)
        raise SystemExit(exits.USAGE) from None
    for warning in config.warnings:
        show(warning, "yellow")
    return config
