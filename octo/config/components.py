"""The components of a configuration as written: what the author of a file says of each, right or wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from pydantic import BaseModel

from octo.config.blocks import RESERVED
from octo.config.context import Context, Entry
from octo.config.model import Kind
from octo.config.place import Path, Place
from octo.core.language import JOURNAL_SERVICES, FlowSettings
from octo.core.sockets import Steps
from octo.core.source import SourceType

_OF_OTHERS = ("source", "process", "error")
"""Keys of a flow whose values are components themselves."""


Model = type[BaseModel]


class Component(NamedTuple):
    """A part of a configuration that has settings.

    name: of a connector or a flow; the address of a block; for a source, that of its flow.
    flow: the flow that a block or source belongs to. type: as written, "" for a flow.
    connector: that of a source. model: what its settings must be; None if there is no such type.
    entries: its settings, and which connector it uses. services: those it asks for.
    entry: None for a connector that nobody has declared.
    """

    kind: Literal["connector", "flow", "source", "block"]
    name: str
    flow: str
    type: str
    connector: str
    model: Model | None
    entries: Mapping[str, Place]
    services: tuple[str, ...]
    entry: Entry | None

    def leaves(self) -> Iterator[Leaf]:
        """What is written in its settings, without the blocks of its chains."""
        root = [] if self.model is None else [Kind(self.model)]
        for key, place in self.entries.items():
            yield from _leaves([kind for each in root for kind in each.at(key)], place, (key,))


class Leaf(NamedTuple):
    """A value in settings that is not composed of others: a scalar, an empty list or mapping, or a chain."""

    kinds: list[Kind]
    place: Place
    path: Path

    @property
    def is_chain(self) -> bool:
        return any(each.is_a(Steps) for each in self.kinds)

    @property
    def text(self) -> str:
        """The value as written if it is a text, else ""."""
        value = self.place.node.value
        return value if isinstance(value, str) and not self.is_chain else ""


def _leaves(kinds: list[Kind], place: Place, path: Path) -> Iterator[Leaf]:
    if place.value is None:  # it counts as not written
        return
    leaf = Leaf(kinds, place, path)
    inside: list[tuple[str | int, Place]] = [*place.fields().items(), *enumerate(place.items())]
    if leaf.is_chain or not inside:
        yield leaf
        return
    for step, child in inside:
        yield from _leaves([kind for each in kinds for kind in each.at(step)], child, (*path, step))


def components(context: Context) -> list[Component]:
    """All components in the order of the file, and then the connectors that are there although nobody declared them."""
    return [*_written(context), *_unwritten(context)]


def _written(context: Context) -> Iterator[Component]:
    flow = ""
    for entry in context.entries:
        place = entry.place
        if place is None:
            continue
        if entry.kind == "connector":
            yield _connector(context, entry, place)
        elif entry.kind == "flow":
            flow = entry.name
            yield _flow(entry, place)
        elif entry.kind == "source":
            yield _source(context, entry, place)
        elif entry.kind == "block":
            yield _block(context, entry, place, flow)


def _unwritten(context: Context) -> Iterator[Component]:
    for name, doc in context.connectors.defaults.items():
        if doc is not None:
            asked = _services(doc.type.services)
            yield Component("connector", name, "", doc.type.name, "", doc.type.settings, {}, asked, None)


def _connector(context: Context, entry: Entry, place: Place) -> Component:
    type_ = context.known.connector(entry.type, None)
    model, asked = (None, ()) if type_ is None else (type_.settings, _services(type_.services))
    return Component("connector", entry.name, "", entry.type, "", model, _settings(place), asked, entry)


def _flow(entry: Entry, place: Place) -> Component:
    entries = {key: each for key, each in place.fields().items() if key not in _OF_OTHERS}
    asked = [*JOURNAL_SERVICES] if place.said("durability") == "journal" else []
    letters = entries.get("deadLetter")
    asked += ["queues"] if letters is not None and letters.get("queue") is not None else []
    return Component("flow", entry.name, entry.name, "", "", FlowSettings, entries, tuple(asked), entry)


def _source(context: Context, entry: Entry, place: Place) -> Component:
    found = _source_type(context, entry)
    model, asked = (None, ()) if found is None else (found.settings, _services(found.services))
    return Component(
        "source", entry.parent, entry.parent, entry.type, entry.name, model, _settings(place), asked, entry
    )


def _source_type(context: Context, entry: Entry) -> SourceType | None:
    connector = context.connectors.type_of(entry.name)
    return None if connector is None else connector.sources.get(entry.type)


def _block(context: Context, entry: Entry, place: Place, flow: str) -> Component:
    type_ = context.known.block(entry.type, None)
    model, asked = (None, ()) if type_ is None else (type_.settings, _services(type_.services))
    processor = context.processors.get(place.said("ref"))
    beside = {key: each for key, each in place.fields().items() if key not in RESERVED}
    entries = {**(processor.settings if processor else {}), **_settings(place), **beside}
    return Component("block", entry.address, flow, entry.type, "", model, entries, asked, entry)


def _settings(place: Place) -> dict[str, Place]:
    found = place.get("settings")
    return found.fields() if found is not None else {}


def _services(asked: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(asked.values())


def services(found: Iterable[Component]) -> list[str]:
    """The services that the components ask for, each once."""
    return sorted({name for each in found for name in each.services})
