"""The outline of a configuration: every part of it with its place and address, even if other parts are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from octo.config.context import Context, Entry
from octo.config.documents import FlowDoc
from octo.config.load import check, config_files, draft, read_bytes
from octo.config.report import Report
from octo.config.sources import variables
from octo.config.unfinished import read_partly
from octo.config.yaml import File
from octo.core.errors import ConfigError, Position, Problem
from octo.core.plugins import Plugins

VERSION = 1
"""The version of the form of `as_json`. It grows when a reader of the old form would misread the new one."""


class Outline(NamedTuple):
    """The parts of a configuration, in the order of the file, and what is wrong with them."""

    entries: Sequence[Entry]
    problems: Sequence[Problem]
    warnings: Sequence[Problem] = ()

    def as_json(self) -> dict[str, object]:
        return {
            "ok": not self.problems,
            "entries": [_as_json(each) for each in self.entries],
            "problems": [each.as_json() for each in self.problems],
            "warnings": [each.as_json() for each in self.warnings],
        }


def outline(path: Path, plugins: Plugins, environ: Mapping[str, str]) -> Outline:
    """The outline of a configuration file or folder, as far as it can be read."""
    report = Report()
    try:
        found = read(path, plugins, environ, report)
    except ConfigError as error:
        return Outline((), error.problems)
    return Outline(found.context.entries if found.context else (), report.problems, report.warnings)


class Understood(NamedTuple):
    """What could be read of a configuration. context: None, and no flows, if there were too many problems to go on."""

    context: Context | None
    flows: Mapping[str, FlowDoc]


def read(path: Path, plugins: Plugins, environ: Mapping[str, str], report: Report) -> Understood:
    """A configuration file or folder, as far as it can be read. Raises `ConfigError` if there is none."""
    paths = config_files(path)
    found = (read_partly(data, str(each), report) for each in paths if (data := read_bytes(each, report)) is not None)
    files = [file for file in found if file is not None]
    # The missing part of an unfinished file may define what the rest refers to, so further problems are dropped.
    rest = Report() if report.problems else report
    return _understood(files, path if path.is_dir() else path.parent, plugins, environ, rest)


def _understood(
    files: list[File], root: Path, plugins: Plugins, environ: Mapping[str, str], report: Report
) -> Understood:
    context: Context | None = None
    try:
        drafted = draft(files, root, plugins, environ, report)
        context = drafted.context
        return Understood(context, check(drafted).flows)
    except ConfigError:
        return Understood(context, {})  # there were too many problems to go on; the report has them


def _as_json(entry: Entry) -> dict[str, object]:
    place = entry.place
    sets = {"sets": variables(entry.source) if entry.source else None} if entry.kind == "source" else {}
    return {
        "kind": entry.kind,
        "address": entry.address or None,
        "parent": entry.parent or None,
        "type": entry.type or None,
        "name": entry.name or None,
        "file": place.at.file if place else None,
        "start": _point(place.at) if place else None,
        "end": _point(place.end) if place else None,
        **sets,
    }


def _point(at: Position) -> dict[str, int]:
    return {"line": at.line, "column": at.column}
