"""The packed form of traces, in which they wait and are stored: a line of JSON each, unpacked by whoever reads.

To write every record out costs several times what this does, and hardly any trace is ever looked at.

    [1, trace, caller, at, base, [row, ...]]

trace, caller, at: the trace id, the first record's parent ("" for none) and when it began. base: the first record's
span id as a number; those of the others count from there. Every crossing is a row, in the order they began:

    [head, parent, source, began, duration, outcome, input, output, rest]

head: what all records of that place have in common. parent, source: numbers of rows, null for the first; what they name
stands in the record as `parent` and `from`. began: since `at`. outcome: its number in `OUTCOMES`. input, output: as in
the record, null for nothing. rest: what else the record has, null for nothing.

A line that is an object is a record as it is (`octo.trace.record`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson

from octo.core import codec
from octo.trace.record import OUTCOMES, Record


def records(data: bytes) -> list[Record]:
    """The records in such lines. One that is none, as a process leaves that is killed while writing, is passed."""
    found: list[Record] = []
    for line in data.splitlines():
        read = _read(line)
        if isinstance(read, dict):
            found.append(read)
        elif isinstance(read, list) and len(read) == 6 and read[0] == 1:
            with suppress(TypeError, ValueError, LookupError):
                found.extend(list(_unpacked(*read[1:])))
    return found


def lines(data: bytes) -> bytes:
    """The same as JSON Lines, a record each, for other tools."""
    return b"".join(dumps(record) + b"\n" for record in records(data))


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
    """The span id of a row: never zero, and after the last comes the first."""
    return f"{(base + number - 1) % ((1 << 64) - 1) + 1:016x}"


def _read(line: bytes) -> Any:
    try:
        return codec.body(line)
    except codec.NotJson:
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            return None


def dumps(value: Any) -> bytes:
    """The value as JSON, whatever it is."""
    try:
        return orjson.dumps(value)
    except TypeError:  # integers beyond 64 bits, lone surrogates, nesting beyond 254
        return _dumps_slowly(value).encode()


def _dumps_slowly(value: Any) -> str:
    try:
        return json.dumps(value, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps(f"<no JSON: {type(error).__name__}>")
