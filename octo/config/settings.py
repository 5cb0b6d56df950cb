"""Settings of a component: what was written for it becomes an instance of its model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, partial
from types import NoneType
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from octo.config import codes
from octo.config.complaints import complain, refuse_key
from octo.config.model import fields_of, kinds_at, known_keys
from octo.config.place import Path, Place
from octo.config.reader import kind
from octo.config.report import Report
from octo.config.supposed import supposed
from octo.config.variables import Surroundings, check_reads
from octo.core.errors import Position
from octo.core.expressions import Build, Expr
from octo.core.settings import Advising, Settings
from octo.core.sockets import sockets
from octo.expr import Program

S = TypeVar("S", bound=Settings)

_QUOTED = re.compile(r"""(["'])([^"'\s]+)\1""")
"""One word in quotes of its own, as expressions have it."""


class Written(NamedTuple):
    """The settings of one component as written. The entries may come from several places.

    what: the component in messages, e.g. "the `rest` block".
    at: the position at which missing keys are reported.
    labels: keys beside `type:` that belong to the block itself; authors mistake `name` for a setting.
    """

    what: str
    at: Position
    entries: Mapping[str, Place]
    labels: tuple[str, ...] = ()

    def find(self, path: Path) -> Place | None:
        if not path or not isinstance(path[0], str) or path[0] not in self.entries:
            return None
        return self.entries[path[0]].walk(path[1:])


def validate(model: type[S], written: Written, build: Build, report: Report, *, null_is_empty: bool = True) -> S | None:
    """The settings, or None with the reasons in the report.

    null_is_empty: whether an empty key counts as not written, as in flow files. In tests `null` is a value.
    """
    entries = written.entries.items()
    data = {key: place.value for key, place in entries if place.value is not None or not null_is_empty}
    if null_is_empty:
        _empty_keys(model, written, report)
    try:
        settings = model.model_validate(data, context=build)
    except ValidationError as error:
        complain(model, written, error.errors(include_url=False), report)
        is_open = isinstance(build, Surroundings) and build.is_open
        return supposed(model, written, build) if is_open else None
    if _truth_for_number(model, written, report):
        return None
    if null_is_empty:
        _warn_of_quotes(model, written, report)
    for path, socket in sockets(settings):
        place = written.find(path) or written.find(path[:-1])  # a text may be the short form of a mapping
        if isinstance(socket, Expr) and place is not None:
            socket.at = place.at
            if not place.variables:  # a value of the environment is nowhere in the file
                socket.locate = partial(place.source.file.inside, place.node)
            check_reads(socket.text, place, build, report)
            _warn_of_remainders(socket.program, place, report)
    _advise(settings, written, report)
    return settings


@cache
def _advises(model: type[Settings]) -> bool:
    """Whether such settings give advice: to ask those of each block takes as long as to read them."""
    return issubclass(model, Advising)


def _advise(settings: Settings, written: Written, report: Report) -> None:
    if _advises(type(settings)) and isinstance(settings, Advising):
        for key, message, hint in settings.advice():
            report.warn(codes.ADVICE, written.entries[key].at, f"`{key}`: {message}", hint)


def _warn_of_remainders(program: Program, place: Place, report: Report) -> None:
    for offset in program.dropped:
        before = program.text[:offset]
        line, column = before.count("\n") + 1, offset - before.rfind("\n")
        at = place.at if place.variables else place.source.file.inside(place.node, line, column)
        message = f"`{place.name}`: this division of integers drops the remainder"
        hint = "for a fraction divide doubles, e.g. `double(n) / 2.0`; for a whole number write `int(a / b)`"
        report.warn(codes.REMAINDER, at, message, hint)


def check_base(model: type[Settings], written: Written, build: Build, report: Report) -> None:
    """Check settings that a block will complete: what is there must be right, what is missing may be added."""
    data = {key: place.value for key, place in written.entries.items() if place.value is not None}
    try:
        model.model_validate(data, context=build)
    except ValidationError as error:
        details = [each for each in error.errors(include_url=False) if each["type"] != "missing" and each["loc"]]
        complain(model, written, details, report)


def _empty_keys(model: type[Settings], written: Written, report: Report) -> None:
    fields = dict(fields_of(model))
    for key, place in written.entries.items():
        if place.value is not None:
            continue
        if key not in fields:
            refuse_key(key, place.key_at, written.what, known_keys(model, ()), report)
        elif not fields[key].is_required():  # an empty required key is reported as missing
            hint = "remove the key, or give it a value"
            report.warn(codes.EMPTY, place.key_at, f"`{key}` is empty and counts as not written", hint)


def _truth_for_number(model: type[BaseModel], written: Written, report: Report) -> bool:
    """Refuse `port: true`, which Python would read as 1."""
    found = False
    for path, place in _scalars(written):
        if not isinstance(place.value, bool):
            continue
        wanted = [each.type for each in kinds_at(model, path)]
        if bool not in wanted and (int in wanted or float in wanted):
            message = f"`{place.name}`: expected a number, found {kind(place.value)}"
            report.error(codes.INVALID, place.at, message)
            found = True
    return found


def _warn_of_quotes(model: type[BaseModel], written: Written, report: Report) -> None:
    """Warn of `subject: '"orders"'` where no expression is expected: the quotes would be a part of the name."""
    for path, place in _scalars(written):
        found = _QUOTED.fullmatch(place.value) if isinstance(place.value, str) and not place.variables else None
        kinds = [each for each in kinds_at(model, path) if each.type is not NoneType] if found else []
        if found and kinds and all(each.is_a(str) for each in kinds):
            message = f"`{place.name}` is no expression: the quotes are a part of the text"
            report.warn(codes.QUOTED, place.at, message, f"write `{found[2]}` without them")


def _scalars(written: Written) -> Iterator[tuple[Path, Place]]:
    waiting: list[tuple[Path, Place]] = [((key,), place) for key, place in written.entries.items()]
    while waiting:
        path, place = waiting.pop()
        if isinstance(place.value, dict):
            waiting += [((*path, key), child) for key, child in place.fields().items()]
        elif isinstance(place.value, list):
            waiting += [((*path, index), child) for index, child in enumerate(place.items())]
        else:
            yield path, place
