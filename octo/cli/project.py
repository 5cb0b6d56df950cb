"""What several verbs share: where the configuration is, how it is loaded, and how its problems are shown."""

from __future__ import annotations

import gc
import linecache
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from octo.cli import exits
from octo.config.documents import Config
from octo.core.errors import ConfigError, OctoError, Problem
from octo.core.secrets import masked

F = TypeVar("F", bound=Callable[..., Any])


class Number(click.FloatRange):
    """A number in a range. NaN is in none, though no comparison says so."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return found


def config_option(command: F) -> F:
    """`--config PATH`, which a bare argument may stand for."""
    command = click.option("--config", "-c", "option", type=click.Path(path_type=Path), help="Flow file or folder.")(
        command
    )
    return click.argument("argument", required=False, type=click.Path(path_type=Path), metavar="[CONFIG]")(command)


def config_path(option: Path | None, argument: Path | None) -> Path:
    """The path that was given, once."""
    if (option is None) == (argument is None):
        raise click.UsageError("name one flow file or folder: --config PATH")
    path = option or argument
    assert path is not None
    return path


def load(path: Path) -> Config:
    """Read and check the configuration at `path`; raises ConfigError."""
    from octo.builtin import plugins
    from octo.config.load import load as load_config

    import_beside(path)
    config = load_config(path, plugins(), os.environ)
    if not gc.isenabled():
        # Only after the first load: what later loads make must be collected with its generation.
        gc.freeze()
        gc.enable()
    return config


def import_beside(path: Path) -> None:
    """Functions that `python` blocks call may stand beside the flow file."""
    folder = str((path if path.is_dir() else path.parent).resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)


def wants_colour() -> bool:
    """Whether standard output is a terminal that wants colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def coloured() -> Callable[[str, str], str]:
    """Puts a text into a colour, or leaves it as it is."""
    if not wants_colour():
        return lambda text, _: text
    return lambda text, colour: click.style(text, bold=True) if colour == "bold" else click.style(text, fg=colour)


def written(path: Path, write: Callable[[Path], object]) -> bool:
    """Whether that worked; else it is said why not."""
    try:
        write(path)
    except OSError as error:
        click.echo(f"cannot write {path}: {error.strerror}", err=True)
        return False
    return True


def refuse(error: OctoError) -> None:
    """Say on stderr what is wrong, each problem with the line it is about."""
    problems = error.problems if isinstance(error, ConfigError) else None
    if problems is None:
        click.secho(f"{error.code}: {masked(str(error))}", fg="red", err=True)
        return
    for problem in problems:
        show(problem)
    click.secho(f"{counted(len(problems), 'problem')}. `octo explain CODE` tells more.", bold=True, err=True)


def counted(number: int, noun: str) -> str:
    """`1 flow`, `2 flows`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def show(problem: Problem, colour: str = "red") -> None:
    """One problem: place, code, message, the line with a mark under it, and the cure."""
    place = click.style(f"{problem.at}:", bold=True)
    click.echo(f"{place} {click.style(problem.code, fg=colour)}: {masked(problem.message)}", err=True)
    line = linecache.getline(problem.at.file, problem.at.line).rstrip("\n") if problem.at.line else ""
    if line and line.isprintable():
        number = f"{problem.at.line:>5} | "
        click.echo(f"{number}{_without_secrets(masked(line))[:160]}", err=True)
        if 0 < problem.at.column <= 160:
            click.echo(" " * (len(number) + problem.at.column - 1) + click.style("^", fg=colour), err=True)
    if problem.hint:
        click.echo(f"        {masked(problem.hint)}", err=True)


_SECRETS = re.compile(r"://[^:/@\s]*:([^@\s]+)@|(?:password|secret|token|apikey)[\"']?\s*:\s*([^\s,}]+)", re.IGNORECASE)


def _without_secrets(line: str) -> str:
    """The line with stars for what stands where secrets stand; as many as there were characters, for the mark below."""
    for found in _SECRETS.finditer(line):
        start, end = found.span(1 if found[1] else 2)
        line = line[:start] + "*" * (end - start) + line[end:]
    return line


def load_or_exit(path: Path) -> Config:
    """The configuration, or the end of the process with all that is wrong with it."""
    try:
        config = load(path)
    except ConfigError as error:
        refuse(error)
        raise SystemExit(exits.USAGE) from None
    for warning in config.warnings:
        show(warning, "yellow")
    return config
