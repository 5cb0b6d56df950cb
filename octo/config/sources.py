"""The source of a flow, bound to a connector instance."""

from __future__ import annotations

from collections.abc import Mapping

from octo.config import codes, guesses
from octo.config.context import Context
from octo.config.documents import SourceDoc
from octo.config.model import Kind, field_kinds, fields_of, kinds
from octo.config.place import Place
from octo.config.reader import did_you_mean, kind
from octo.config.report import listed
from octo.config.settings import Written, validate
from octo.core.connector import ConnectorType
from octo.core.source import Naming


def source(context: Context, place: Place) -> tuple[str, SourceDoc | None]:
    """The connector that feeds the flow, "" if it cannot be told, and the source if its settings are right, too."""
    reader = context.reader
    if not isinstance(place.value, dict):
        reader.wrong(place, f"`source` must be a mapping, found {kind(place.value)}", "write `type: TYPE` below it")
        return "", None
    fields = reader.mapping(place, ("connector", "type", "settings"), "a source")
    name = reader.name(fields, place, "a source", "type")
    bound = _bind(context, fields, name)
    if name is None or bound is None or fields["type"].is_broken:
        return place.said("connector"), None
    instance, type_ = bound
    found = type_.sources.get(name)
    if found is None:
        _unknown_source(context, fields["type"], name, type_)
        return place.said("connector"), None
    entries = reader.free_mapping(fields.get("settings"), "`settings`")
    at = fields["settings"].key_at if "settings" in fields else place.at
    written = Written(f"the `{name}` source", at, entries)
    settings = validate(found.settings, written, context.build, context.report)
    return instance, SourceDoc(found, instance, settings, place.at) if settings is not None else None


def variables(doc: SourceDoc) -> dict[str, str] | None:
    """The variables that each message of a source has, with their CEL kind (`dyn` for any); None if not declared."""
    declared = doc.type.sets
    if declared is None:
        return None
    found = {name: field_kinds(info) for name, info in fields_of(declared)}
    if isinstance(doc.settings, Naming):
        found |= {name: kinds(each) for name, each in doc.settings.variables().items()}
    return {name: _cel_kind(each) for name, each in found.items()}


def _cel_kind(found: list[Kind]) -> str:
    names = {next((name for type_, name in _CEL_KINDS if each.is_a(type_)), "dyn") for each in found}
    return names.pop() if len(names) == 1 else "dyn"


_CEL_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (float, "double"),
    (str, "string"),
    (bytes, "bytes"),
    (Mapping, "map"),
    (list, "list"),
)


def _unknown_source(context: Context, place: Place, name: str, type_: ConnectorType) -> None:
    if type_.sources:
        hint = did_you_mean(name, type_.sources)
        message = f"a `{type_.name}` connector has no source `{place.shown}`"
    else:
        hint = "use a connector that can feed a flow, e.g. `http` or `cron`"
        message = f"a `{type_.name}` connector feeds no flows"
    context.report.error(codes.UNKNOWN_SOURCE, place.at, message, hint)


def _bind(context: Context, fields: dict[str, Place], name: str | None) -> tuple[str, ConnectorType] | None:
    """The instance that feeds the flow: the named one; else the only one of its type; else a default one."""
    given = fields.get("connector")
    if given is not None and given.value is not None:
        return _named(context, given)
    if name is None or fields["type"].is_broken:
        return None
    type_ = context.known.connector(name, fields["type"]) or _offering(context, name)
    if type_ is None and name not in context.known.connector_names:
        hint = did_you_mean(name, _source_names(context), "", guesses.source)
        context.report.error(codes.UNKNOWN_SOURCE, fields["type"].at, f"no source type `{fields['type'].shown}`", hint)
    return _of_type(context, fields["type"], type_) if type_ is not None else None


def _named(context: Context, given: Place) -> tuple[str, ConnectorType] | None:
    """Find the instance by its name or by its connector type. Nothing else: a typo must not select another one."""
    connectors, wanted = context.connectors, context.reader.text(given)
    if wanted is None or given.is_broken:
        return None
    if wanted in connectors.types:
        declared = connectors.types[wanted]
        return (wanted, declared) if declared else None
    type_ = context.known.connector(wanted, given)
    if type_ is None and wanted not in context.known.connector_names:
        hint = did_you_mean(wanted, [*connectors.types, *context.known.connector_names])
        context.report.error(codes.UNKNOWN_CONNECTOR, given.at, f"no connector is named `{given.shown}`", hint)
    return _of_type(context, given, type_) if type_ is not None else None


def _of_type(context: Context, place: Place, type_: ConnectorType) -> tuple[str, ConnectorType] | None:
    names = context.connectors.names(type_.name)
    if len(names) == 1:
        return names[0], type_
    if names:
        message = f"several `{type_.name}` connectors exist, and the source does not say which one feeds it"
        hint = f"write `connector:` with one of {listed(names)}"
        context.report.error(codes.AMBIGUOUS_CONNECTOR, place.at, message, hint)
        return None
    if not type_.sources:
        return type_.name, type_  # the caller reports that such a connector feeds no flows
    name = context.connectors.default(type_, type_.name, place.at, "this source")
    return (name, type_) if name else None


def _offering(context: Context, source: str) -> ConnectorType | None:
    """The connector type that has a source of this name; declared ones first, because the others must be imported."""
    declared = {each.name: each for each in context.connectors.types.values() if each is not None}
    for type_ in declared.values():
        if source in type_.sources:
            return type_
    return next((each for each in context.known.connectors() if source in each.sources), None)


def _source_names(context: Context) -> list[str]:
    return sorted({name for type_ in context.known.connectors() for name in type_.sources})
