"""The reference of test files, generated from their models: the part of docs/testing.md below `MARK`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from octo.config.catalogue import Described, fields
from octo.core.settings import Settings
from octo.suite.format import CallEntry, CaseEntry, Expect, Input, Record, Spy, SuiteFile

MARK = "<!-- from here on written by tests/suite/test_reference.py -->"

_PARTS: tuple[tuple[str, type[Settings]], ...] = (
    ("The file", SuiteFile),
    ("A case", CaseEntry),
    ("A call", CallEntry),
    ("An input", Input),
    ("An expectation", Expect),
    ("A spy", Spy),
    ("A record of a spy", Record),
)


def reference(known: Described) -> str:
    """Return tables of every key, as Markdown, with the stubs and triggers of the connectors in a catalogue."""
    parts = [f"### {title}\n\n{_table(fields(model))}" for title, model in _PARTS]
    for each in known["connectors"]:
        given = [(key, each[key]) for key in ("stub", "trigger") if each[key]]
        parts += [f"### {each['type']} ({key})\n\n{_text(of['doc'])}\n\n{_table(of['fields'])}" for key, of in given]
    return "\n\n".join(parts) + "\n"


def _table(described: list[dict[str, Any]]) -> str:
    rows = list(_rows(described, ""))
    return "\n".join(["| Key | | |", "|---|---|---|", *rows]) if rows else "It has no settings: write `{}`."


def _rows(described: list[dict[str, Any]], prefix: str) -> Iterator[str]:
    for field in described:
        needed = "**required**" if field["required"] else ""
        cells = (f"`{prefix}{field['name']}`", ", ".join(filter(None, (_kind(field), needed))), _text(field["doc"]))
        yield f"| {' | '.join(cells)} |"
        if field["type"] == "list" and field["items"]["type"] == "object" and not prefix and _is_only_here(field):
            yield from _rows(field["items"]["fields"], f"{field['name']}[].")


def _is_only_here(field: dict[str, Any]) -> bool:
    """Whether the entries of the list have no table of their own."""
    return field["name"] not in ("cases", "calls", "records")


def _kind(field: dict[str, Any]) -> str:
    match field["type"]:
        case "choice":
            return ", ".join(f"`{each}`" for each in field["choices"])
        case "list" | "map":
            inner = _kind(field["items"])
            return f"{field['type']} of {inner}" if inner != "object" else field["type"]
        case "any":
            return " or ".join(dict.fromkeys(_kind(each) for each in field.get("of", ()))) or "any value"
        case "object":
            return "mapping"
        case other:
            return str(other)


def _text(doc: str) -> str:
    return " ".join(doc.split()).replace("|", "\\|")
