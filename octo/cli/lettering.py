"""How dead letters are printed: groups, letters, and what a dry run has found."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from octo.cli.project import coloured, counted
from octo.cli.terminal import give, is_terminal, say
from octo.core import codec
from octo.core.errors import OctoError
from octo.core.printable import printable

if TYPE_CHECKING:
    from octo.config.documents import Config
    from octo.core.letter import Letter
    from octo.letters.groups import Group
    from octo.letters.places import Entry
    from octo.letters.rehearsal import Rehearsed

_NARROWEST = 40


def group_lines(group: Group) -> Iterator[str]:
    """A group, in lines that fit a narrow terminal."""
    style, letter = coloured(), group.letter
    where = letter.block or letter.flow
    yield f"{style(group.id, 'bold')}  {group.size:,}  {printable(where)}  {printable(letter.code)}".rstrip()
    yield from _cut(f"    {printable(letter.reason)}")
    if group.first:
        yield from _cut(f"    {group.first} to {group.last}" if group.first != group.last else f"    {group.first}")
    yield from _cut(f"    {printable(group.place)}, e.g. {printable(group.sample)}")


def _cut(line: str) -> Iterator[str]:
    """The line; on a terminal it ends where that does."""
    import sys

    if is_terminal(sys.stdout):
        width = max(_NARROWEST, shutil.get_terminal_size().columns)
        line = line if len(line) <= width else f"{line[: width - 1]}…"
    yield line


def covered(entry: Entry, config: Config | None) -> Entry:
    """The entry without secrets, and without the values of the fields that `mask` of its flow names."""
    from octo.trace.mask import declared, secrets

    flow = None if config is None else config.flows.get(entry.letter.flow)
    names = frozenset(flow.mask) if flow is not None else frozenset()
    record = entry.record
    clean = declared(names, [record]) if names else secrets
    letter = entry.letter._replace(reason=clean(entry.letter.reason))
    if not isinstance(record, dict):
        return entry._replace(letter=letter, record=clean(record))
    told = {key: clean(each) if key in ("body", "vars") else each for key, each in record.items()}
    return entry._replace(letter=letter, record=told)


def letter_value(entry: Entry) -> dict[str, Any]:
    """A letter with its message, as JSON."""
    return {
        "id": entry.event_id,
        "group": entry.letter.fingerprint,
        "place": entry.place.name,
        "trace": _trace(entry),
        "letter": entry.letter.as_value(),
        "message": entry.record,
    }


def letter_lines(entry: Entry) -> Iterator[str]:
    """All that is known of a letter, a line each."""
    letter, style = entry.letter, coloured()
    yield style(printable(entry.event_id), "bold")
    told = {
        "group": letter.fingerprint,
        "place": entry.place.name,
        "flow": letter.flow,
        "block": f"{letter.block}  {letter.place}".strip(),
        "code": " ".join(filter(None, (letter.code, letter.type, "" if letter.status is None else str(letter.status)))),
        "reason": letter.reason,
        "attempts": str(letter.attempts),
        "first": letter.first_at,
        "last": letter.last_at if letter.last_at != letter.first_at else "",
        "config": letter.config,
        "octo": letter.octo,
        "trace": _trace(entry),
    }
    for name, text in told.items():
        if text:
            yield f"  {name:9} {printable(text)}"
    for each in letter.earlier:
        yield f"  {'before':9} {_earlier(each)}"
    yield from _message(entry)


def _earlier(each: Any) -> str:
    words = (each.get("lastAt"), each.get("code"), each.get("reason"))
    return printable("  ".join(str(word) for word in words if word))


def _message(entry: Entry) -> Iterator[str]:
    try:
        message = entry.message()
    except OctoError as error:
        yield f"  {'message':9} {printable(str(error))}"
        return
    yield f"  {'body':9} {_json(message.body)}"
    if message.vars:
        yield f"  {'vars':9} {_json(dict(message.vars))}"


def _json(value: object) -> str:
    return printable(codec.write(value).decode())


def _trace(entry: Entry) -> str:
    """The trace id that the message has wherever it is traced."""
    from octo.trace.crossing import number_of

    record = entry.record if isinstance(entry.record, dict) else {}
    sender = record.get("traceparent", "")
    return f"{number_of(entry.event_id, sender if isinstance(sender, str) else ''):032x}"


class Rehearsals:
    """What a dry run has found, counted by result; each result is told with one letter as its example."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._results: dict[tuple[str, str, tuple[str, ...]], tuple[int, str, Rehearsed, Letter]] = {}

    def add(self, entry: Entry, result: Rehearsed) -> None:
        if self._form == "json":
            give(codec.write(_rehearsed_value(entry, result)) + b"\n", json=True)
        key = (result.kind, result.group or result.reason, result.called)
        count = self._results[key][0] if key in self._results else 0
        self._results[key] = (count + 1, entry.event_id, result, entry.letter)

    @property
    def is_good(self) -> bool:
        """Whether nothing would fail."""
        return not any(kind in ("fails", "impossible") for kind, _, _ in self._results)

    def show(self) -> None:
        """Print the results; as JSON each was printed when it was found."""
        if self._form == "json":
            return
        for count, sample, result, letter in self._results.values():
            for line in _result_lines(count, sample, result, letter):
                say(line)
        if not self._results:
            say("no dead letters")


def _result_lines(count: int, sample: str, result: Rehearsed, letter: Letter) -> Iterator[str]:
    style = coloured()
    maybe = "" if result.is_sure else " perhaps"
    words = {"completes": "would complete", "drops": "would be dropped", "fails": "would fail again"}
    colour = "green" if result.kind in ("completes", "drops") else "red"
    said = words.get(result.kind, "cannot be run")
    yield style(f"{counted(count, 'message')}{maybe} {said}", colour)
    if result.kind == "fails":
        same = "for the same reason" if result.group == letter.fingerprint else "for another reason"
        yield from _cut(f"    {same}: {printable(result.reason)}")
    elif result.reason:
        yield from _cut(f"    {printable(result.reason)}")
    if result.called:
        yield from _cut(f"    not called: {printable(', '.join(result.called))}")
    yield from _cut(f"    e.g. {printable(sample)}")


def _rehearsed_value(entry: Entry, result: Rehearsed) -> dict[str, Any]:
    value: dict[str, Any] = {"id": entry.event_id, "group": entry.letter.fingerprint, "result": result.kind}
    value |= {"reason": result.reason, "groupThen": result.group} if result.reason else {}
    return value | {"sure": result.is_sure, "notCalled": list(result.called)}
