"""The packed form of traces, in which they wait and are stored: a line of JSON each, which the reader unpacks.

Writing each record in full costs several times as much, and hardly any trace is ever read.

    [2, trace, caller, at, base, [row, ...]]

trace, caller, at: the trace id, the first record's parent ("" for none) and when it began. base: the first record's
span id as a number; those of the others count from there. Every crossing is a row, in the order they began:

    [head, parent, source, began, duration, outcome, input, output, rest]

head: the fields that all records of that block or flow share. parent, source: indexes of rows, null for the first; the
record has the span ids of these rows as `parent` and `from`. began: nanoseconds since `at`. outcome: its index in
`OUTCOMES`. input, output: as in the record, null for nothing. rest: the other fields of the record, null for none.

Invariant: `parent` and `source` are smaller than the index of their own row, so one pass unpacks a line.

A line that is an object is one record in its full form (`octo.trace.record`).

Lines that begin with 1, and objects without `v`, are of version 1, whose payloads were plain JSON. A map in them that
looks like one of the special values of `octo.core.record` is packed when it is read, so that it stays a map.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import orjson

from octo.core import codec
from octo.core.record import pack
from octo.expr import ExprError
from octo.trace.record import OUTCOMES, VERSION, Record


def records(data: bytes) -> list[Record]:
    """The records in such lines. A damaged line is skipped: a process that is killed while it writes leaves one."""
    found: list[Record] = []
    for line in data.splitlines():
        with suppress(TypeError, ValueError, LookupError):
            found.extend(_of(read(line)))
    return found


def _of(line: Any) -> list[Record]:
    if isinstance(line, dict):
        return [line if "v" in line else _raised(line)]
    if not isinstance(line, list) or len(line) != 6 or line[0] not in (1, VERSION):
        return []
    unpacked = list(_unpacked(*line[1:]))
    return unpacked if line[0] == VERSION else list(map(_raised, unpacked))


def lines(data: bytes) -> bytes:
    """The same traces as JSON Lines for other tools, one record per line."""
    return b"".join(dumps(record) + b"\n" for record in records(data))


def _raised(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of version 1 as one of this version."""
    made = dict(record)
    for part in ("input", "output"):
        if isinstance(given := made.get(part), dict):
            made[part] = {
                **given,
                **({"body": pack(given["body"])} if "body" in given else {}),
                **{name: _packed(given[name]) for name in ("vars", "set") if isinstance(given.get(name), dict)},
            }
    return made if made.get("kind") == "dropped" else {**made, "v": VERSION}


def _packed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: pack(value) for name, value in values.items()}


def _unpacked(trace: str, caller: str, at: int, base: int, rows: list[Any]) -> Iterator[Record]:
    spans: list[str] = []
    flows: list[str] = []
    for number, row in enumerate(rows):
        head, parent, source, began, duration, outcome, given, made, rest = row
        spans.append(span_id(base, number))
        flows.append(head["flow"] if parent is None or "flow" in head else flows[parent])
        above = caller if parent is None else spans[parent]
        yield {
            "kind": head["kind"],
            "v": VERSION,
            "flow": flows[-1],
            **head,
            "trace": trace,
            "span": spans[-1],
            **({"parent": above} if above else {}),
            **({} if source is None else {"from": spans[source]}),
            **({"input": given} if given else {}),
            "at": at + began,
            "duration": max(0, duration),
            "outcome": OUTCOMES[outcome],
            **({"output": made} if made else {}),
            **(rest or {}),
        }


def span_id(base: int, number: int) -> str:
    """The span id of a row. Invariant: it is never zero, which W3C Trace Context forbids; the count wraps to 1."""
    return f"{(base + number - 1) % ((1 << 64) - 1) + 1:016x}"


def read(data: bytes) -> Any:
    """The value of JSON that Octo wrote, which may contain lone surrogates. Raises `ValueError`."""
    try:
        return codec.read(data)
    except codec.NotJson:
        try:
            return json.loads(data)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def dumps(value: Any) -> bytes:
    """The value as plain JSON; what JSON cannot hold becomes text."""
    try:
        return orjson.dumps(value)
    except TypeError:  # integers beyond 64 bits, decimals, lone surrogates, nesting beyond 254
        return _dumps_slowly(value)


def is_tagged(data: bytes) -> bool:
    """Whether the JSON contains a special value of `octo.core.record`, or a map that looks like one."""
    return b"$" in data and b'{"$' in data  # the first test is ten times as fast, and settles it for most payloads


def payload(value: Any) -> bytes:
    """A body or variable as JSON without loss, as `octo.core.record` packs it.

    An object that no message may hold becomes its text.
    """
    try:
        data = orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_SUBCLASS)
    except TypeError:
        data = b""
    if data and not is_tagged(data):
        return data
    try:
        return _shallow(codec.write_kinds(pack(value)))
    except (TypeError, ExprError):
        return data or _dumps_slowly(value)


_DEEPEST = 1000
"""Levels of brackets, at most: readers of JSON stop at 1024."""
_NESTED = re.compile(rb'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])')


def _shallow(data: bytes) -> bytes:
    """The JSON, or, if it is nested too deeply to be read, a text that says so."""
    if data.count(b"[") + data.count(b"{") > _DEEPEST:
        depth = deepest = 0
        for found in _NESTED.finditer(data):
            depth += bool(found[1]) - bool(found[2])
            deepest = max(deepest, depth)
        if deepest > _DEEPEST:
            return b'"<no JSON: nested too deeply>"'
    return data


def _dumps_slowly(value: Any) -> bytes:
    with suppress(ExprError):
        return _shallow(codec.write_kinds(value))
    try:
        return json.dumps(value, separators=(",", ":"), default=str).encode()
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps(f"<no JSON: {type(error).__name__}>").encode()
