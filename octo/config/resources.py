"""`resources:`: files beside the configuration that belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from octo.config import codes
from octo.config.place import Place
from octo.config.reader import Reader
from octo.config.report import Report
from octo.core.errors import Position
from octo.core.expressions import Build
from octo.expr import ExprError
from octo.expr.template import Template
from octo.expr.templates import check, misspelt

MOST_BYTES = 4 << 20
"""Bytes of a file, at most."""


class Resources(NamedTuple):
    """env: `.env` files; a later one overrides the earlier ones. templates: text files, by the name that flows use."""

    env: tuple[Path, ...] = ()
    templates: dict[str, Path] = {}  # noqa: RUF012  nobody changes it
    texts: dict[str, Template] = {}  # noqa: RUF012


class Files:
    """Reads the files beside the configuration that settings name. asked: their paths, whether they exist or not."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.asked: set[Path] = set()

    def read(self, name: str) -> bytes:
        """Return the content of a file below the configuration's folder. Raises ValueError."""
        path = self._root / name
        if not _is_below(path, self._root):
            raise ValueError(f"the file `{name}` is outside the configuration's folder")
        self.asked.add(path)
        try:
            with path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise ValueError(f"the file `{name}` cannot be read: {error.strerror}") from None
        if len(data) > MOST_BYTES:
            raise ValueError(f"the file `{name}` has more than {MOST_BYTES >> 20} MiB")
        return data


def _is_below(path: Path, root: Path) -> bool:
    """Whether it is in the folder or below it, also after following links."""
    return path.resolve().is_relative_to(root.resolve())


def read_resources(sections: Sequence[Place | None], root: Path | None, report: Report) -> Resources:
    """The declared files. A template must exist; a missing `.env` file is skipped."""
    reader = Reader(report)
    env: list[Path] = []
    templates: dict[str, Path] = {}
    texts: dict[str, Template] = {}
    for section in sections:
        fields = reader.mapping(section, ("env", "templates"), "`resources`")
        found = (_inside(reader, place, root) for place in reader.entries(fields.get("env")))
        env += [path for path in found if path is not None]
        for place in reader.entries(fields.get("templates")):
            entry = reader.mapping(place, ("resource", "as", "escape"), "a template")
            resource = reader.name(entry, place, "a template", "resource")
            name = reader.text(entry.get("as")) or resource
            escape = _escape(reader, entry.get("escape"))
            path = _inside(reader, entry.get("resource"), root)
            if name is None or path is None or not _is_there(path, entry["resource"], report):
                continue
            if name in templates:
                hint = "give one of them another name with `as:`"
                report.error(codes.RESOURCE, place.at, f"two templates are called `{name}`", hint)
                continue
            templates[name] = path
            texts[name] = _template(path, str(resource), escape, entry["resource"], report)
    return Resources(tuple(env), templates, texts)


def _escape(reader: Reader, place: Place | None) -> str:
    word = reader.text(place) or ""
    if place is not None and word not in ("", "html", "none"):
        reader.report.error(codes.INVALID, place.at, f"`escape` is `html` or `none`, found `{place.shown}`")
        return ""
    return word


def _template(path: Path, resource: str, escape: str, place: Place, report: Report) -> Template:
    """The template in a file; an empty one, that those who render it are not blamed, if it is wrong.

    What is wrong with it is reported at its place in that file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        return Template(resource, data.decode("utf-8-sig"), escape)
    except OSError as error:
        report.error(codes.RESOURCE, place.at, f"the template cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        report.error(codes.RESOURCE, place.at, f"the template `{resource}` is not text in UTF-8")
    except ExprError as error:
        report.error(error.code, Position(str(path), error.line, error.column), error.message, error.hint)
    return Template(resource, "")


def check_templates(found: Resources, build: Build, report: Report) -> None:
    """Report what is wrong with the spans of the templates when a message's names are known to them."""
    if build.templates is None:
        return
    scope = build.scope(text="templateResource")
    for template, error in check(build.templates, scope):
        report.error(error.code, _place(found, template, error), error.message, error.hint)
    for template, error in misspelt(build.templates, scope):
        report.warn(error.code, _place(found, template, error), error.message, error.hint)


def _place(found: Resources, template: Template, error: ExprError) -> Position:
    path = next(found.templates[name] for name, each in found.texts.items() if each is template)
    return Position(str(path), error.line, error.column)


def _inside(reader: Reader, place: Place | None, root: Path | None) -> Path | None:
    """The file of a resource id. It must be below the configuration's folder, also after following links."""
    name = reader.text(place)
    if name is None or root is None or place is None:
        return None
    path = root / name
    if not _is_below(path, root):
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
