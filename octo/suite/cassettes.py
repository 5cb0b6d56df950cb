"""The cassettes of a run of tests: read once, shared by the cases that name them, written at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from octo.config import codes as config_codes
from octo.config.place import Place
from octo.config.reader import Reader, kind
from octo.config.report import Report
from octo.config.settings import Written, validate
from octo.config.substitute import literal
from octo.config.yaml import MOST_BYTES, read
from octo.core.cassette import DAMAGED, NOT_WRITTEN, Cassette, Exchange, Format, Mode, Plain
from octo.core.errors import Permanent, Position
from octo.core.expressions import Build
from octo.core.secrets import named
from octo.core.settings import Settings
from octo.suite.yaml import dump

VERSION = 1
_HEAD = "# Recorded by `octo test --record`; secrets are masked. See docs/cassettes.md.\n"


class Saved(NamedTuple):
    """A file that was written, with how many exchanges are new in it. doubts: those that one may not want to keep."""

    file: Path
    added: int
    doubts: tuple[str, ...] = ()


class Cassettes:
    """The cassettes that test files name, by file. mode: what happens to calls."""

    def __init__(self, mode: Mode = "replay") -> None:
        self.mode: Mode = mode
        self._found: dict[Path, tuple[str, Cassette]] = {}

    def __iter__(self) -> Iterator[Cassette]:
        return (cassette for _, cassette in self._found.values())

    @property
    def files(self) -> set[Path]:
        return set(self._found)

    def environment(self, written: Mapping[str, str], real: Mapping[str, str]) -> dict[str, str]:
        """The variables of a test file. While something real is called, those of the process win over its own."""
        if self.mode == "replay":
            return dict(written)
        return {name: real.get(name, value) for name, value in written.items()}

    def find(self, file: Path, of: str, form: Format, at: Position, report: Report) -> Cassette | None:
        """The cassette of a file for a connector of the type `of`; None if it cannot be read: the report says why."""
        if file not in self._found:
            before = len(report.problems)
            exchanges = self._read(file, of, form, at, report)
            if len(report.problems) > before:
                return None
            self._found[file] = (of, Cassette(file, form, exchanges, self.mode))
        type_, cassette = self._found[file]
        if type_ != of:
            message = f"the cassette is of a `{type_}` connector, and this is a `{of}`"
            report.error(DAMAGED, at, message, "give each of them a file of its own")
            return None
        return cassette

    def save(self) -> list[Saved]:
        """Write the cassettes to which something was added. Raises `Permanent` if one cannot be written."""
        saved = []
        for file, (of, cassette) in self._found.items():
            if cassette.added:
                _write(file, rendered(of, cassette.exchanges))
                saved.append(Saved(file, cassette.added, tuple(_doubts(cassette))))
                cassette.added = 0
        return saved

    def _read(self, file: Path, of: str, form: Format, at: Position, report: Report) -> list[Exchange]:
        try:
            with file.open("rb") as opened:
                data = opened.read(MOST_BYTES + 1)
        except FileNotFoundError:
            if self.mode == "replay":
                report.error(DAMAGED, at, f"there is no cassette `{file}`", "`octo test --record` makes it")
            elif self.mode == "drift":
                report.error(DAMAGED, at, f"there is no cassette `{file}`", "there is nothing to compare with")
            return []
        except OSError as error:
            report.error(config_codes.NOT_FOUND, Position(str(file)), f"the file cannot be read: {error.strerror}")
            return []
        tree = read(data, str(file), report, with_bytes=True)
        return [] if tree is None else _exchanges(literal(tree).top, of, form, report)


def _doubts(cassette: Cassette) -> Iterator[str]:
    for each in cassette.exchanges[-cassette.added :]:
        if why := cassette.form.doubt(each.reply):
            yield f"{cassette.form.label(each.request)}: {why}"


def _exchanges(top: Place, of: str, form: Format, report: Report) -> list[Exchange]:
    fields = Reader(report).free_mapping(top, "a cassette")
    if "cassette" not in fields or fields["cassette"].value != VERSION:
        at = fields["cassette"].at if "cassette" in fields else top.at
        hint = "this version of Octo reads `cassette: 1`; record it anew"
        report.error(DAMAGED, at, "this is no cassette, or one of another version", hint)
        return []
    for name, place in fields.items():
        if name not in ("cassette", "of", "exchanges"):
            report.error(DAMAGED, place.key_at, f"a cassette has no key `{name}`", "it has `of` and `exchanges`")
    said = fields.get("of")
    if said is None or said.value != of:
        message = f"the cassette is not of a `{of}` connector"
        report.error(DAMAGED, said.at if said else top.at, message, f"write `of: {of}`, or use another file")
    listed = fields.get("exchanges")
    if listed is None or not isinstance(listed.value, list):
        at = listed.at if listed else top.at
        report.error(DAMAGED, at, "`exchanges` must be a list", "each has a `request` and a `reply`")
        return []
    found = [_exchange(place, form, report) for place in listed.items()]
    return [each for each in found if each is not None]


def _exchange(place: Place, form: Format, report: Report) -> Exchange | None:
    parts = place.fields() if isinstance(place.value, dict) else {}
    if parts.keys() != {"request", "reply"}:
        report.error(DAMAGED, place.at, "an exchange has a `request` and a `reply`, and nothing else")
        return None
    request = _side(parts["request"], form.request, "a recorded request", report)
    reply = _side(parts["reply"], form.reply, "a recorded reply", report)
    return None if request is None or reply is None else Exchange(request, reply)


def _side(place: Place, model: type[Settings], what: str, report: Report) -> Plain | None:
    if not isinstance(place.value, dict):
        report.error(DAMAGED, place.at, f"`{place.name}` must be a mapping, found {kind(place.value)}")
        return None
    found = validate(model, Written(what, place.at, place.fields()), Build(), report, null_is_empty=False)
    if found is None:
        return None
    values = found.model_dump(by_alias=True, exclude_unset=True)
    return {key: values[key] for key in place.value}  # in the order of the file, which may be written again


def rendered(of: str, exchanges: list[Exchange]) -> str:
    """The text of a cassette."""
    plain = [{"request": dict(each.request), "reply": dict(each.reply)} for each in exchanges]
    # Each value was masked. Once more as a whole: a secret must not be there, however it came in.
    return named(_HEAD + dump({"cassette": VERSION, "of": of, "exchanges": plain}))


def _write(file: Path, text: str) -> None:
    fresh = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8", newline="\n") as target:
            target.write(text)
            target.flush()
            os.fsync(target.fileno())
        fresh.replace(file)
    except OSError as error:
        raise Permanent(f"the cassette {str(file)!r} cannot be written: {error.strerror}", code=NOT_WRITTEN) from error
