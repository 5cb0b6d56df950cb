"""Verbs of installed packages: what their entry points `octo.commands` name, without importing what carries them out.

An entry point names a list, `NAME = some_package.commands:verbs`. The module of the list imports nothing: `octo --help`
shows the first column of it, and the command of a verb is imported when the verb is used.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

import click

GROUP = b"octo.commands"
_MOST_BYTES = 1 << 20


class Verb(NamedTuple):
    """does: what `octo --help` says of it; "" for one that is no word of its own, but a way to use one of Octo's.

    command: `module:attribute` of the click command.
    """

    does: str
    command: str


class Verbs(NamedTuple):
    """What a package brings. install: what to type where a library is missing that the verbs need."""

    install: str
    verbs: Mapping[str, Verb]


def listed() -> dict[str, str]:
    """Name → what it does, of all verbs of installed packages."""
    return {name: verb.does for each in found() for name, verb in each.verbs.items() if verb.does}


def command(name: str) -> click.Command | None:
    """The command of a verb, imported; None if no package has such a verb. Raises a `ClickException`."""
    for each in found():
        if verb := each.verbs.get(name):
            module, _, attribute = verb.command.partition(":")
            try:
                loaded: click.Command = getattr(importlib.import_module(module), attribute)
            except ModuleNotFoundError as error:
                if (error.name or "").partition(".")[0] == module.partition(".")[0]:
                    raise  # a part of the package itself is missing: that is a bug, and no matter of installing
                raise Absent(name, error.name or "", each.install) from None
            return loaded
    return None


class Absent(click.ClickException):
    """A verb that needs a library that is not installed."""

    exit_code = 2

    def __init__(self, verb: str, library: str, install: str) -> None:
        super().__init__(f"octo {verb} needs {library}, which is not installed: {install}")


@cache
def found() -> tuple[Verbs, ...]:
    """The lists of all packages. One that cannot be imported does not keep the others, or Octo's own, from working."""
    lists = []
    for reference in dict.fromkeys(_references()):
        module, _, attribute = reference.partition(":")
        try:
            lists.append(getattr(importlib.import_module(module), attribute))
        except Exception:  # noqa: BLE001, S112  whatever it is, `octo --help` has to work
            continue
    return tuple(each for each in lists if isinstance(each, Verbs))


def _references() -> Iterator[str]:
    """The values of the group, in the order of the search path.

    The files are read by hand: importing `importlib.metadata` takes as long as the whole help.
    """
    for folder in sys.path:
        try:
            with os.scandir(folder or ".") as entries:
                names = [each.path for each in entries if each.name.endswith(".dist-info")]
        except OSError:  # an archive, or a folder that is not there
            continue
        for name in names:
            yield from _of(f"{name}/entry_points.txt")


def _of(path: str) -> Iterator[str]:
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        content = os.read(file, _MOST_BYTES)
    finally:
        os.close(file)
    if GROUP not in content:
        return
    here = False
    for line in content.decode(errors="replace").splitlines():
        text = line.strip()
        if text.startswith("["):
            here = text == f"[{GROUP.decode()}]"
        elif here and "=" in text and not text.startswith(("#", ";")):
            yield text.partition("=")[2].strip()
