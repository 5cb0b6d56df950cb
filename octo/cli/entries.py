"""Everything that a flow file may name, with what is known about it: components, functions, and the keys of flows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from octo.cli.components import components
from octo.config.words import first_sentence
from octo.expr.function import Function

Described = dict[str, Any]
Kind = Literal["connector", "source", "block", "function", "macro", "key"]

KINDS: dict[str, Kind] = {
    "connectors": "connector",
    "sources": "source",
    "blocks": "block",
    "functions": "function",
    "macros": "macro",
    "keys": "key",
}
"""The groups of `octo list`, in its order."""

_KEYS = {"flow": "A flow: where its messages come from and what happens to them.", "env": "An environment variable."}


class Entry(NamedTuple):
    """One thing. about: one line. data: its part of the catalogue. functions: all of that name.

    usage, examples: how a macro is written. owner: the connector of a source.
    """

    kind: Kind
    name: str
    about: str
    data: Described
    functions: Sequence[Function] = ()
    usage: str = ""
    examples: Sequence[str] = ()
    owner: str = ""


def entries() -> list[Entry]:
    """All of them, by kind and then by name."""
    known = components()
    found = [*_components(known), *_functions(), *_macros()]
    found += [Entry("key", key, about, {"doc": about, "fields": known[key]}) for key, about in _KEYS.items()]
    order = list(KINDS.values())
    return sorted(found, key=lambda each: (order.index(each.kind), each.name.lower()))


def _components(known: Described) -> Iterator[Entry]:
    for each in known["connectors"]:
        yield Entry("connector", each["type"], first_sentence(each["doc"]), each)
        for source in each["sources"]:
            yield Entry("source", source["type"], first_sentence(source["doc"]), source, owner=each["type"])
    for each in known["blocks"]:
        yield Entry("block", each["type"], first_sentence(each["doc"]), each)


def _functions() -> Iterator[Entry]:
    from octo.expr.functions import library

    by_name: dict[str, list[Function]] = {}
    for each in library():
        by_name.setdefault(each.name, []).append(each)
    for name, functions in by_name.items():
        if name[:1].isalpha():  # operators have names, too
            yield Entry("function", name, first_sentence(functions[0].doc), {}, functions)


def _macros() -> Iterator[Entry]:
    from octo.expr.macros import MACROS

    for name, each in MACROS.items():
        yield Entry("macro", name, each.doc, {}, usage=each.usage, examples=each.examples)
