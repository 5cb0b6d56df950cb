"""The files of an integration as they are on this machine: what is sent, and what never is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from octo_platform.flows.archive import LARGEST_FILE, check_files, checked_path, kind_of
from octo_platform.problem import Problem

_LEFT_OUT = frozenset({"__pycache__", "node_modules", "venv", "octo-store"})


class Local(NamedTuple):
    """name: of the integration, after the file or folder. left_out: paths that are not sent."""

    name: str
    files: dict[str, bytes]
    left_out: list[str]


def read(path: Path) -> Local:
    """The files of a folder, or a flow file with its test and the folder of its name. Raises click.UsageError.

    Hidden files are left out, such as `.env` and `.git`: variables and secrets belong to an environment.
    """
    left_out: list[str] = []
    try:
        if path.is_dir():
            files = dict(_all(path, "", left_out))
        elif path.is_file():
            files = dict(_beside(path, left_out))
        else:
            raise click.UsageError(f"there is no {str(path)!r}: name a flow file, or a folder with one")
    except OSError as error:
        raise click.UsageError(f"{error.filename} cannot be read: {error.strerror}") from None
    try:
        for each in files:
            checked_path(each)
        check_files(files)
    except Problem as problem:
        raise click.UsageError(f"{path}: {problem.detail}") from None
    if not any(kind_of(each) == "flow" for each in files):
        raise click.UsageError(f"{path} has no flow file at its top: a name that ends with .yaml")
    return Local(_name(path), files, left_out)


def _all(folder: Path, prefix: str, left_out: list[str]) -> Iterator[tuple[str, bytes]]:
    for each in sorted(folder.iterdir()):
        name = prefix + each.name
        if each.name.startswith((".", "#", "~")) or each.name in _LEFT_OUT or each.name.endswith("~"):
            left_out.append(name)
        elif each.is_symlink() and not each.resolve().is_relative_to(folder.resolve()):
            left_out.append(name)  # it would send what is elsewhere on this machine
        elif each.is_dir():
            yield from _all(each, f"{name}/", left_out)
        elif each.is_file():
            yield name, _content(each)


def _beside(path: Path, left_out: list[str]) -> Iterator[tuple[str, bytes]]:
    yield path.name, _content(path)
    test = path.with_name(f"{path.stem}_test{path.suffix}")
    if test.is_file():
        yield test.name, _content(test)
    if path.with_suffix("").is_dir():
        yield from _all(path.with_suffix(""), f"{path.stem}/", left_out)


def _content(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_FILE:
        raise click.UsageError(f"{path} is too large: a file has at most {LARGEST_FILE:,} bytes")
    return path.read_bytes()


def _name(path: Path) -> str:
    """The name of a folder or file as integrations have it: small letters, digits and `-`, at most 40."""
    stem = Path(os.path.abspath(path)).name if path.is_dir() else path.stem  # noqa: PTH100  `.` has a name, too
    plain = "".join(each if each.isascii() and each.isalnum() else "-" for each in stem.lower())
    return "-".join(filter(None, plain.split("-")))[:40].strip("-")
