"""`octo doc`: what a connector, source, block or function is, with its settings and an example."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from collections.abc import Iterator, Sequence

import click

from octo.cli import example
from octo.cli.entries import Described, Entry, entries
from octo.cli.help import Verb
from octo.cli.terminal import say
from octo.config import guesses
from octo.core.promise import sentence
from octo.expr import nearest
from octo.suite.yaml import dump

WIDEST = 100
"""Columns of a text; longer lines are hard to read."""

_MOST_OWNERS = 5
"""Components that are named of those that have a setting."""

_NAMES = {
    "body": "the body of the message",
    "vars": "its variables, such as vars.id",
    "now": "the time of the evaluation",
    "eventID": "the id of the message",
    "correlationID": "the id that the message shares with those it led to",
}


@click.command(
    "doc",
    cls=Verb,
    epilog="""\b
Examples:
  octo doc http-client  a connector
  octo doc rest log     two blocks
  octo doc sum          a function
  octo doc flow         the keys of a flow""",
)
@click.argument("names", nargs=-1, metavar="NAME...")
def command(names: tuple[str, ...]) -> None:
    """Show what a connector, source, block or function is, with its settings, their defaults and an example.

    `octo list` shows what there is.
    """
    if not names:
        raise click.UsageError("name a connector, block or function: octo doc http-client. `octo list` shows all")
    known = entries()
    for name in names:
        for each in found(name, known):
            say("\n".join(page_of(each)) + "\n")


def found(name: str, known: Sequence[Entry]) -> list[Entry]:
    """What has this name; else the family of functions that has it, such as `math`."""
    if found := [each for each in known if each.name.lower() == name.lower()]:
        return found
    family = [
        each
        for each in known
        if each.name.startswith(f"{name}.") or any(function.family == name for function in each.functions)
    ]
    if family:
        return family
    if re.fullmatch(r"[A-Za-z]+-[A-Za-z]?\d+", name):
        raise click.UsageError(f"{name!r} is an error code: octo explain {name.upper()}")
    if name in _NAMES:
        raise click.UsageError(f"{name!r} is a name in expressions: {_NAMES[name]}. Try: octo eval {name}")
    names = [each.name for each in known]
    if hint := _elsewhere(name, known, names):
        raise click.UsageError(hint)
    guess = (
        next((each for each in names if name.lower().startswith(f"{each.lower()}.")), None)  # a setting of it
        or guesses.anything(name, names)
        or nearest(name, names)
        or next((each for each in names if name.lower() in each.lower()), None)
    )
    raise click.UsageError(f"there is no {name!r}. " + (f"Try: octo doc {guess}" if guess else "Try: octo list"))


def _elsewhere(name: str, known: Sequence[Entry], names: Sequence[str]) -> str:
    """What to read about a command or a setting, "" if it is neither."""
    from octo.cli import VERBS

    if name in VERBS:
        return f"{name!r} is a command: octo {name} --help"
    owners = [each.name for each in known if any(field["name"].lower() == name.lower() for field in _fields(each))]
    if not owners or guesses.anything(name, names):
        return ""
    others = " and others" if len(owners) > _MOST_OWNERS else ""
    shown = ", ".join(f"`{each}`" for each in owners[:_MOST_OWNERS])
    return f"{name!r} is a setting of {shown}{others}. Try: octo doc {owners[0]}"


def _fields(entry: Entry) -> Sequence[Described]:
    return [] if entry.functions or entry.usage else entry.data["fields"]


def page_of(entry: Entry) -> Iterator[str]:
    if entry.functions:
        yield from _of_functions(entry)
        return
    of = f" of the {entry.owner} connector" if entry.owner and entry.owner != entry.name else ""
    yield click.style(f"{entry.name}", bold=True) + f" ({entry.kind}{of})"
    if entry.usage:
        yield f"  {entry.usage}"
        yield from _wrapped(entry.about, "    ")
        for shown in entry.examples:
            yield f"      {shown}"
        return
    yield from _wrapped(entry.data["doc"], "  ")
    for promise in entry.data.get("promises", ()):
        yield from _wrapped(sentence(promise), "  ")
    yield from _settings(entry.data["fields"])
    yield from _relations(entry)
    if entry.kind != "key":
        yield ""
        yield "Example:"
        yield textwrap.indent(dump(_example(entry)).rstrip(), "  ")


def _example(entry: Entry) -> object:
    make = {"connector": example.of_connector, "source": example.of_source, "block": example.of_block}
    return make[entry.kind](entry.data)


def _of_functions(entry: Entry) -> Iterator[str]:
    yield click.style(entry.name, bold=True) + f" (function, {entry.functions[0].family})"
    for each in entry.functions:
        for signature in each.signatures:
            yield f"  {signature}"
        yield from _wrapped(each.doc, "    ")
        for shown in each.examples:
            yield f"      {shown}"


def _relations(entry: Entry) -> Iterator[str]:
    """Which other parts go with it."""
    data = entry.data
    if entry.kind == "connector" and data["blocks"]:
        yield f"\nUsed by: {', '.join(data['blocks'])}"
    if entry.kind == "source" and data["sets"]:
        yield "\nSets the variables:"
        for each in data["sets"]:
            yield from _wrapped(f"{each['name']}: {each['doc']}", "  ", "    ")
    if entry.kind == "block" and data["connector"]:
        key, kinds = data["connector"]["key"], data["connector"]["of"]
        need = "required" if data["connector"]["required"] else "optional"
        yield f"\n`{key}` names a connector of type {' or '.join(kinds)} ({need}): octo doc {kinds[0]}"


def _settings(fields: Sequence[Described]) -> Iterator[str]:
    if not fields:
        yield "\nNo settings."
        return
    rows = list(_rows(sorted(fields, key=lambda each: not each["required"]), ""))
    for title, is_common in (("Settings:", True), ("Seldom needed:", False)):
        chosen = [each for each in rows if (each[2]["group"] == "common") is is_common]
        if not chosen:
            continue
        yield f"\n{title}"
        for name, about, field in chosen:
            yield "  " + click.style(name, bold=True) + f"  {about}"
            yield from _wrapped(field["doc"], "      ")


def _rows(fields: Sequence[Described], prefix: str) -> Iterator[tuple[str, str, Described]]:
    """Each setting with its type and default, and then those inside it, by their path."""
    for field in fields:
        path = f"{prefix}{field['name']}"
        yield path, f"{_kind(field)}, {_default(field)}", field
        inner = field
        while inner["type"] in ("list", "map"):
            path += "[]" if inner["type"] == "list" else ".*"
            inner = inner["items"]
        for each in (inner, *inner.get("of", ())):
            if each["type"] == "object":
                yield from _rows([{**one, "group": field["group"]} for one in each["fields"]], f"{path}.")


def _kind(field: Described) -> str:
    kind = field["type"]
    if kind == "choice":
        return " | ".join(str(each) for each in field["choices"] if each != "")
    if kind == "expression":
        return "expression" if field["result"] == "any" else f"expression: {field['result']}"
    if kind in ("list", "map"):
        return f"{kind} of {_kind(field['items'])}"
    if kind == "any":
        return " or ".join(map(_kind, field.get("of", ()))) or "any"
    if kind == "steps":
        return "chain of blocks"
    return f"{kind}, secret" if field.get("secret") else str(kind)


def _default(field: Described) -> str:
    if field["required"]:
        return "required"
    value = field["default"]
    if value in (None, "", [], {}) or field["type"] in ("steps", "object"):
        return "optional"
    return f"default {value if isinstance(value, str) else json.dumps(value)}"


def _wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    """The text, in lines that fit; paragraphs stay apart."""
    width = min(shutil.get_terminal_size((80, 0)).columns, WIDEST)  # 80 for a pager
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", text)]
    lines: list[str] = []
    for each in paragraphs:
        lines += textwrap.wrap(
            each,
            max(width, len(first) + 20),
            initial_indent=first,
            subsequent_indent=first if rest is None else rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines
