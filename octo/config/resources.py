"""`resources:`: files beside the configuration that belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from octo.config import codes
from octo.config.place import Place
from octo.config.reader import Reader
from octo.config.report import Report


class Resources(NamedTuple):
    """env: `.env` files; a later one overrides the earlier ones. templates: text files."""

    env: tuple[Path, ...] = ()
    templates: tuple[Path, ...] = ()


def read_resources(sections: Sequence[Place | None], root: Path | None, report: Report) -> Resources:
    """The declared files. A template must exist; a missing `.env` file is skipped."""
    reader = Reader(report)
    env: list[Path] = []
    templates: list[Path] = []
    for section in sections:
        fields = reader.mapping(section, ("env", "templates"), "`resources`")
        found = (_inside(reader, place, root) for place in reader.entries(fields.get("env")))
        env += [path for path in found if path is not None]
        for place in reader.entries(fields.get("templates")):
            entry = reader.mapping(place, ("resource", "as"), "a template")
            reader.name(entry, place, "a template", "resource")
            reader.text(entry.get("as"))
            if (path := _inside(reader, entry.get("resource"), root)) and _is_there(path, entry["resource"], report):
                templates.append(path)
    return Resources(tuple(env), tuple(templates))


def _inside(reader: Reader, place: Place | None, root: Path | None) -> Path | None:
    """The file of a resource id. It must be below the configuration's folder, also after following links."""
    name = reader.text(place)
    if name is None or root is None or place is None:
        return None
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        hint = "put the file beside the configuration, or into a folder below it"
        message = f"the resource `{name}` is outside the configuration's folder"
        reader.report.error(codes.RESOURCE, place.at, message, hint)
        return None
    return path


def _is_there(path: Path, place: Place, report: Report) -> bool:
    if path.is_file():
        return True
    report.error(codes.RESOURCE, place.at, f"there is no file `{path}`", "the path is relative to the configuration")
    return False
