"""Checks that need the whole configuration: references, cycles, clashes, unused processors."""

from __future__ import annotations

from collections.abc import Mapping

from octo.config import codes
from octo.config.blocks import block_type
from octo.config.circles import circles, dead_letters
from octo.config.context import Context, Processor
from octo.config.documents import FlowDoc, SourceDoc
from octo.config.reader import did_you_mean
from octo.config.repeated import check_repeated
from octo.config.report import Report
from octo.config.settings import Written, check_base
from octo.core.block import BlockType
from octo.core.powers import Conflicting


def lint(context: Context, flows: Mapping[str, FlowDoc]) -> None:
    _references(context, list(flows))
    _processors(context)
    circles(context, flows)
    dead_letters(context, flows)
    check_repeated(context, flows)
    _clashes(context, flows)


def _references(context: Context, names: list[str]) -> None:
    for reference, place in context.calls:
        if reference.name not in names and not place.is_broken:
            message = f"no flow is named `{place.shown}`"
            context.report.error(codes.UNKNOWN_FLOW, place.at, message, did_you_mean(reference.name, names))


def _processors(context: Context) -> None:
    for name, processor in context.processors.items():
        is_used = name in context.refs
        place = processor.place.get("type")
        type_ = block_type(context, processor.type, place, is_used=is_used) if place and processor.type else None
        if not is_used:
            _unused(context, processor, type_)


def _unused(context: Context, processor: Processor, type_: BlockType | None) -> None:
    """Warn of the processor, and of all that is wrong with it: what never runs stops nothing."""
    place = processor.place.get("name") or processor.place
    context.report.warn(codes.UNUSED, place.at, f"no block refers to the processor `{place.shown}`", "remove it")
    if type_ is None:
        return
    entries = {key: place for key, place in processor.settings.items() if type_.connector is None or key != type_.key}
    scratch = Report()
    check_base(
        type_.settings, Written(f"the `{type_.name}` block", processor.place.at, entries), context.build, scratch
    )
    for each in scratch.problems:
        context.report.warn(each.code, each.at, each.message, each.hint)


# --- sources that clash ------------------------------------------------------------------------------------------


def _clashes(context: Context, flows: Mapping[str, FlowDoc]) -> None:
    """Report the conflicts that a `Conflicting` connector class finds among its sources."""
    by_instance: dict[str, list[tuple[str, SourceDoc]]] = {}
    for flow in flows.values():
        if flow.source is not None:
            by_instance.setdefault(flow.source.connector, []).append((flow.name, flow.source))
    for instance, sources in by_instance.items():
        type_ = context.connectors.type_of(instance)
        if type_ is None or not isinstance(type_.cls, Conflicting):
            continue
        for first, second, why in type_.cls.conflicts([source.settings for _, source in sources]):
            (one, before), (two, after) = sources[first], sources[second]
            hint = f"the other one, of the flow `{one}`, is at {before.at}"
            message = f"the sources of `{one}` and `{two}` clash: {why}"
            context.report.error(codes.SOURCES_CLASH, after.at, message, hint)
