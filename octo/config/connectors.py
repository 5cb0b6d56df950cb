"""Connector instances: those declared under `connectors:`, and the default ones that need no declaration."""

from __future__ import annotations

from octo.config import codes, guesses
from octo.config.documents import ConnectorDoc
from octo.config.place import Place
from octo.config.reader import Reader, did_you_mean, kind
from octo.config.report import Report, listed
from octo.config.settings import Written, validate
from octo.config.types import KnownTypes
from octo.core.block import BlockType
from octo.core.connector import ConnectorType
from octo.core.errors import Position
from octo.core.expressions import Build


class Connectors:
    """The instances of a configuration by name.

    An instance whose declaration is wrong is still known by its name and, if possible, its type: references to it are
    no mistakes.
    """

    def __init__(self, report: Report, known: KnownTypes, build: Build) -> None:
        self.report = report
        self.known = known
        self.build = build
        self.docs: dict[str, ConnectorDoc] = {}
        self.defaults: dict[str, ConnectorDoc | None] = {}
        self.types: dict[str, ConnectorType | None] = {}
        self.places: dict[str, Position] = {}

    def declare(self, place: Place) -> None:
        reader = Reader(self.report)
        if not isinstance(place.value, dict):
            message = f"a connector must be a mapping, found {kind(place.value)}"
            reader.wrong(place, message, "write `- name: NAME` and `type: TYPE`")
            return
        fields = reader.mapping(place, ("name", "type", "settings"), "a connector")
        name = reader.name(fields, place, "a connector")
        type_ = self._type(reader.name(fields, place, "a connector", "type"), fields)
        if name is None:
            return
        if name in self.places:
            message = f"the connector `{fields['name'].shown}` is defined twice"
            hint = f"the first one is at {self.places[name]}"
            self.report.error(codes.DUPLICATE_NAME, fields["name"].at, message, hint)
            return
        self.places[name], self.types[name] = fields["name"].at, type_
        if type_ is None:
            return
        entries = reader.free_mapping(fields.get("settings"), "`settings`")
        written = Written(f"the `{type_.name}` connector", place.at, entries)
        settings = validate(type_.settings, written, self.build, self.report)
        if settings is not None:
            self.docs[name] = ConnectorDoc(name, type_, settings, place.at)

    def _type(self, name: str | None, fields: dict[str, Place]) -> ConnectorType | None:
        if name is None:
            return None
        found = self.known.connector(name, fields["type"])
        if found is None and name not in self.known.connector_names and not fields["type"].is_broken:
            hint = did_you_mean(name, self.known.connector_names, "", guesses.connector)
            message = f"no connector type `{fields['type'].shown}`"
            self.report.error(codes.UNKNOWN_CONNECTOR_TYPE, fields["type"].at, message, hint)
        return found

    def names(self, type_: str) -> list[str]:
        """The declared instances of a type or family."""
        return [name for name, each in self.types.items() if each is not None and each.is_a(type_)]

    def type_of(self, name: str) -> ConnectorType | None:
        default = self.defaults.get(name)
        return default.type if default else self.types.get(name)

    def default(self, type_: ConnectorType, name: str, at: Position, user: str) -> str | None:
        """A shared instance with default settings, made when first needed. If its type requires settings, that is
        reported at `at`.
        """
        if name in self.types:
            name = f"{name} (default)"
        if name not in self.defaults:
            written = Written(f"the `{type_.name}` connector that {user} needs", at, {})
            settings = validate(type_.settings, written, self.build, self.report)
            self.defaults[name] = ConnectorDoc(name, type_, settings, at) if settings is not None else None
        return name

    def all(self) -> dict[str, ConnectorDoc]:
        return {**self.docs, **{name: doc for name, doc in self.defaults.items() if doc is not None}}

    def for_block(self, block: BlockType, place: Place | None, at: Position) -> str | None:
        """The instance that a block uses, by name. `place` is the value of its `connector:` key."""
        assert block.connector is not None
        if place is None or place.value is None:
            return self._unsaid(block, block.connector, at)
        return self.named(f"the `{block.name}` block", block.connector, place, block.key)

    def named(self, user: str, wanted: str, place: Place, key: str) -> str | None:
        """The instance of that name, if it is of the type or family that its user wants; else None, and an error."""
        name = Reader(self.report).text(place)
        if name is None or place.is_broken:
            return None
        if name not in self.types:
            more = "" if self.types else f"declare one under `connectors:` with `type: {self._example(wanted)}`"
            hint = did_you_mean(name, self.names(wanted), more)
            self.report.error(codes.UNKNOWN_CONNECTOR, place.at, f"no connector is named `{place.shown}`", hint)
            return None
        found = self.types[name]
        if found is not None and not found.is_a(wanted):
            message = f"{user} needs a `{wanted}` connector, `{place.shown}` is of type `{found.name}`"
            self.report.error(codes.WRONG_CONNECTOR, place.at, message, self._choices(wanted, key))
            return None
        return name

    def _example(self, wanted: str) -> str:
        """A type to declare: the wanted one, or one of the family, whose types must be imported to be found."""
        if wanted in self.known.connector_names:
            return wanted
        return next((each.name for each in self.known.connectors() if each.is_a(wanted)), wanted)

    def _unsaid(self, block: BlockType, wanted: str, at: Position) -> str | None:
        type_ = self.known.connector(wanted, None)
        if block.default and type_ is not None:
            return self.default(type_, f"{wanted} (default)", at, f"the `{block.name}` block")
        message = f"the `{block.name}` block does not say which `{wanted}` connector it uses"
        self.report.error(codes.NO_CONNECTOR, at, message, self._choices(wanted, block.key))
        return None

    def _choices(self, wanted: str, key: str) -> str:
        names = self.names(wanted)
        if not names:
            return f"declare one under `connectors:` with `type: {self._example(wanted)}`, then write `{key}: ITS-NAME`"
        if len(names) == 1:
            return f"write `{key}: {names[0]}`"
        return f"write `{key}:` with one of {listed(names)}"
