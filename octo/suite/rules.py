"""Reads a test file and checks it against its models and the rules that need no configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from octo.config import codes as config_codes
from octo.config.model import kinds_at
from octo.config.place import Path, Place, Source
from octo.config.reader import Reader, did_you_mean
from octo.config.report import Report
from octo.config.settings import Written, validate
from octo.config.substitute import literal
from octo.config.yaml import MOST_BYTES, read
from octo.core.errors import Position
from octo.core.expressions import Build
from octo.suite import codes
from octo.suite.case import one_line
from octo.suite.format import CallEntry, CaseEntry, Expect, Record, Spy, SuiteFile
from octo.testing.clock import START


class Draft(NamedTuple):
    """A test file that fits its models. top: its root, to find places in it."""

    file: FilePath
    top: Place
    entry: SuiteFile

    def at(self, *path: str | int) -> Position:
        """Where the key at `path` stands; if there is no such key, the nearest place above it."""
        place = self._reach(path)
        return place.key_at

    def value_at(self, *path: str | int) -> Position:
        return self._reach(path).at

    def _reach(self, path: Path) -> Place:
        place = self.top
        for step in path:
            place = place.get(step) or place
        return place


def read_draft(file: FilePath, report: Report) -> Draft | None:
    """Return the draft of a test file, or None if the file does not fit its models.

    Problems go to the report. A draft that is returned may have some too.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        report.error(config_codes.NOT_FOUND, Position(str(file)), f"the file cannot be read: {error.strerror}")
        return None
    tree = read(data, str(file), report, with_bytes=True)
    if tree is None:
        return None
    before = len(report.problems)
    for problem in report.warnings:
        if problem.code == config_codes.MORE_DOCUMENTS:
            # In a flow file this is a warning. In a test file the cases would silently never run.
            report.error(*problem._replace(hint="put its cases into the first one, or into a test file of their own"))
    top = Source(tree, written(literal(tree).top)).top
    entries = Reader(report).free_mapping(top, "a test file")
    entry = validate(SuiteFile, Written("the test file", top.at, entries), Build(), report)
    if entry is None or len(report.problems) > before:
        return None
    draft = Draft(file, top, entry)
    _Rules(draft, report).check()
    return draft


def written(place: Place) -> object:
    """Return the value at a place of a test file. Where the model wants a text, it is the text in the file.

    So `name: 1.10` and `error: 404` are texts, not numbers.
    """
    match place.path[2:] if place.path[:1] == ("cases",) else place.path:
        case ("mocks", _):
            return _mock(place)
        case (*_, "clock") if isinstance(place.value, str):
            return place.value  # YAML can write a moment in more ways than we read
    meant = [each.type for each in kinds_at(SuiteFile, place.path)]
    if Any in meant:
        return place.value
    if isinstance(place.value, dict):
        return {key: written(each) for key, each in place.fields().items()}
    if isinstance(place.value, list):
        return [written(each) for each in place.items()]
    return _text(place) if str in meant else place.value


def _mock(place: Place) -> object:
    """Return a mock, or a part of one. Its bodies and variables are values, its `error` is a text."""
    if isinstance(place.value, list):
        return [_mock(each) for each in place.items()]
    if not isinstance(place.value, dict):
        return place.value
    read = {"error": _text, "cases": _mock, "default": _mock}
    return {key: read[key](each) if key in read else each.value for key, each in place.fields().items()}


def _text(place: Place) -> object:
    return place.value if place.value is None or isinstance(place.value, dict | list) else place.node.text


class _Rules:
    def __init__(self, draft: Draft, report: Report) -> None:
        self.draft = draft
        self.entry = draft.entry
        self.report = report

    def check(self) -> None:
        if not self.entry.cases:
            self._error(codes.NOTHING, ("cases",), "the test file has no cases", "add `- name: what it shows`")
        self._clock(self.entry.clock, ("clock",))
        self._names()
        for index, case in enumerate(self.entry.cases):
            self._case(case, ("cases", index))

    def _error(self, code: str, path: Path, message: str, hint: str = "") -> None:
        self.report.error(code, self.draft.at(*path), message, hint)

    def _names(self) -> None:
        seen: dict[str, int] = {}
        for index, case in enumerate(self.entry.cases):
            first = seen.setdefault(one_line(case.name), index)
            if first != index:
                hint = f"the first one is at {self.draft.at('cases', first, 'name')}"
                self._error(codes.SAME_NAME, ("cases", index, "name"), f'two cases are named "{case.name}"', hint)

    def _case(self, case: CaseEntry, path: Path) -> None:
        self._clock(case.clock, (*path, "clock"))
        for time, where in ((case.timeout, path), (self.entry.timeout, ())):
            if time is not None and time.total_seconds() <= 0:
                self._error(codes.CLOCK, (*where, "timeout"), "`timeout` must be more than 0", "write e.g. `30s`")
        if case.calls:
            for key in case.model_fields_set & {"input", "trigger", "expect"}:
                message = f"`{key}` cannot be used with `calls`"
                self._error(codes.CALLS, (*path, key), message, f"move `{key}` into the call that it belongs to")
        for where, call in calls_of(case):
            self._call(call, (*path, *where))
        if case.calls:
            self._spies(case.spies, (*path, "spies"))

    def _call(self, call: CallEntry, path: Path) -> None:
        if isinstance(call.input, str) and call.input not in self.entry.inputs:
            hint = did_you_mean(call.input, self.entry.inputs, "" if self.entry.inputs else "the file has no `inputs`")
            self.report.error(
                codes.INPUT, self.draft.value_at(*path, "input"), f"no input is named `{call.input}`", hint
            )
        if call.input is not None and call.trigger is not None:
            message = "`input` and `trigger` cannot both be given"
            self._error(codes.CALLS, (*path, "trigger"), message, "keep one of them")
        if call.expect is not None:
            self._expect(call.expect, (*path, "expect"), triggered=call.trigger is not None)
        self._spies(call.spies, (*path, "spies"))

    def _expect(self, expect: Expect, path: Path, *, triggered: bool) -> None:
        ways = [key for key, is_there in (("dropped", expect.dropped), ("error", expect.error is not None)) if is_there]
        found = ways + [key for key in ("body", "vars", "that") if key in expect.model_fields_set]
        if ways and len(found) > 1:
            message = f"`{found[0]}` and `{found[1]}` cannot both be expected"
            self._error(codes.EXPECT, (*path, found[1]), message, "a flow ends in one way; keep one of them")
        if expect.has_reply and not triggered:
            message = "`reply` needs a `trigger`, and there is none"
            self._error(codes.EXPECT, (*path, "reply"), message, "use `body` for what the flow returns")

    def _spies(self, spies: dict[str, Spy], path: Path) -> None:
        for address, spy in spies.items():
            here = (*path, address)
            if spy.count is not None and len(spy.records) > spy.count:
                message = f"{len(spy.records)} records, but `count` is {spy.count}"
                self._error(codes.SPY, (*here, "records"), message, "raise `count`, or remove records")
            for index, record in enumerate(spy.records):
                self._record(record, (*here, "records", index))

    def _record(self, record: Record, path: Path) -> None:
        ways = {"output": record.output is not None, "dropped": record.dropped, "error": record.error is not None}
        found = [key for key, is_there in ways.items() if is_there]
        if len(found) > 1:
            message = f"`{found[0]}` and `{found[1]}` cannot both be true of one crossing"
            self._error(codes.EXPECT, (*path, found[1]), message, "keep one of them")

    def _clock(self, clock: str | None, path: Path) -> None:
        if clock is not None and not _is_clock(clock):
            message = f"`{clock}` is not a clock"
            hint = "write `real`, `virtual`, or a moment such as `2026-03-29T00:30:00Z`"
            self.report.error(codes.CLOCK, self.draft.value_at(*path), message, hint)


def calls_of(case: CaseEntry) -> Iterator[tuple[Path, CallEntry]]:
    """Yield the calls of a case, each with its path; a case without `calls` is itself the only call."""
    if case.calls:
        yield from ((("calls", index), call) for index, call in enumerate(case.calls))
        return
    given = {name: getattr(case, name) for name in ("input", "trigger", "expect", "spies")}
    yield (), CallEntry.model_construct(case.model_fields_set, **given)


def start_of(clock: str) -> str | None:
    """When virtual time begins; None for real time."""
    return None if clock == "real" else START if clock == "virtual" else clock


def _is_clock(text: str) -> bool:
    if text in ("real", "virtual"):
        return True
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def merged(*layers: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Merge the layers key by key: later ones win, and null removes a key."""
    found: dict[str, object] = {}
    for layer in layers:
        for key, value in layer:
            found.pop(key, None)
            if value is not None:
                found[key] = value
    return found
