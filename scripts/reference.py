#!/usr/bin/env python3
"""Print docs/reference.md: every connector, source, block and function, from the catalogue."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from octo.config.shipped import shipped
from octo.core.promise import sentence
from octo.expr.function import Function
from octo.expr.functions import FAMILIES
from octo.expr.macros import MACROS

Described = dict[str, Any]

HEAD = """\
# Reference

Look up every key of a flow, every connector, source and block with every setting, and every function of expressions.
[flow-language.md](flow-language.md) says how the parts fit together.

Settings without a default are required. Types: *duration* is Go's notation (`250ms`, `30s`, `1h30m`), *expression* is
CEL ([expressions.md](expressions.md)) with the kind its value must have, *chain* is a list of blocks or
`{name, process}`, *flow* is the name of a flow.

This page is made from the code by `make docs`; to change it, change the docstring there.
"""


def page(known: Described) -> Iterator[str]:
    yield HEAD
    yield "## Flows"
    yield "### flow"
    yield from settings(known["flow"])
    yield "### env"
    yield "An environment variable that the configuration uses."
    yield from settings(known["env"])
    yield "## Connectors"
    for each in known["connectors"]:
        yield from connector(each)
    yield "## Blocks"
    for each in known["blocks"]:
        yield from block(each)
    yield "## Functions"
    yield "Loops and the like, which take a name for each element instead of a value:"
    rows = (f"| `{each.usage}` | {text(each.doc)} |" for each in MACROS.values())
    yield "\n".join(["| Macro | |", "|---|---|", *rows])
    for family in FAMILIES:
        yield from functions(family)


def connector(each: Described) -> Iterator[str]:
    yield f"### {each['type']} (connector)"
    yield each["doc"]
    yield from settings(each["fields"])
    if each["blocks"]:
        links = ", ".join(f"[`{name}`](#{name}-block)" for name in each["blocks"])
        yield f"Used by {links}."
    for source in each["sources"]:
        yield f"#### {source['type']} (source)"
        yield source["doc"]
        yield promises(source)
        yield from settings(source["fields"])
        yield from variables(source)


def variables(source: Described) -> Iterator[str]:
    """The variables of the source's messages, if the source declares them."""
    sets = [f"`{each['name']}` ({each['doc'].rstrip('.')})" for each in source["sets"] or ()]
    if sets or source["naming"]:
        more = ["those that its settings name"] if source["naming"] else []
        yield f"Sets the variables {', '.join(sets + more)}."


def block(each: Described) -> Iterator[str]:
    yield f"### {each['type']} (block)"
    yield each["doc"]
    if each["promises"]:
        yield promises(each)
    used = each["connector"]
    if used is not None:
        need = "required" if used["required"] else "optional"
        suited = " or ".join(f"[`{name}`](#{name}-connector)" for name in used["of"])
        yield f"`{used['key']}` names the {suited} connector ({need})."
    yield from settings(each["fields"])


def promises(each: Described) -> str:
    return "\n".join(sentence(promise) for promise in each["promises"])


def functions(family: str) -> Iterator[str]:
    module = importlib.import_module(f"octo.expr.functions.{family}")
    yield f"### {family} (functions)"
    yield module.__doc__ or ""
    found = [
        each for each in vars(module).values() if isinstance(each, Function) and each.call.__module__ == module.__name__
    ]
    rows = (f"| {'<br>'.join(f'`{each}`' for each in one.signatures)} | {text(one.doc)} |" for one in found)
    yield "\n".join(["| Function | |", "|---|---|", *rows])


def settings(fields: list[Described]) -> Iterator[str]:
    rows = list(all_rows(fields, ""))
    if rows:
        yield "\n".join(["| Setting | Type | Default | |", "|---|---|---|---|", *rows])
    else:
        yield "No settings."


def all_rows(fields: list[Described], prefix: str) -> Iterator[str]:
    for field in fields:
        name = f"{prefix}{field['name']}"
        cells = (f"`{name}`", kind(field), default(field), text(field["doc"]))
        yield f"| {' | '.join(cells)} |"
        inner, path = field, name
        while inner["type"] in ("list", "map"):
            inner, path = inner["items"], f"{path}[]" if inner["type"] == "list" else f"{path}.*"
        for each in [inner, *inner.get("of", ())]:
            if each["type"] == "object":
                yield from all_rows(each["fields"], f"{path}.")


def kind(field: Described) -> str:
    match field["type"]:
        case "choice":
            return ", ".join(f"`{each}`" for each in field["choices"] if each)
        case "expression":
            names = f" of {', '.join(field['names'])}" if field.get("names") else ""
            return "expression" + ("" if field["result"] == "any" else f": {field['result']}") + names
        case "list" | "map":
            return f"{field['type']} of {kind(field['items'])}"
        case "any":
            return " or ".join(kind(each) for each in field.get("of", ())) or "any"
        case "steps":
            return "chain"
        case other:
            return f"{other}, secret" if field.get("secret") else str(other)


def default(field: Described) -> str:
    if field["required"]:
        return ""
    value = field["default"]
    if value in (None, "", [], {}) or field["type"] in ("steps", "object"):
        return "–"  # noqa: RUF001  a dash, as in a table
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def text(doc: str) -> str:
    """A docstring for a table cell: one line, with its bars escaped."""
    return re.sub(r"\s+", " ", doc).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write("\n\n".join(part.strip("\n") for part in page(shipped())) + "\n")
