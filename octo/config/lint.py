"""Checks that need the whole configuration: references, cycles, clashes, unused processors."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from octo.config import codes
from octo.config.context import Context, Processor
from octo.config.documents import FlowDoc, SourceDoc
from octo.config.model import result_at
from octo.config.reader import did_you_mean
from octo.config.settings import Written, check_base
from octo.core.errors import Position
from octo.core.expressions import Expr
from octo.core.powers import Conflicting
from octo.core.sockets import FlowRef, Steps, sockets


def lint(context: Context, flows: Mapping[str, FlowDoc]) -> None:
    _references(context, list(flows))
    _unused(context)
    _cycles(context, flows)
    _clashes(context, flows)


def _references(context: Context, names: list[str]) -> None:
    for reference, place in context.calls:
        if reference.name not in names and not place.is_broken:
            message = f"no flow is named `{place.shown}`"
            context.report.error(codes.UNKNOWN_FLOW, place.at, message, did_you_mean(reference.name, names))


def _unused(context: Context) -> None:
    for name, processor in context.processors.items():
        if name not in context.refs:
            place = processor.place.get("name") or processor.place
            message = f"no block refers to the processor `{place.shown}`"
            context.report.warn(codes.UNUSED, place.at, message, "remove it")
            _check_unused(context, processor)


def _check_unused(context: Context, processor: Processor) -> None:
    type_ = context.known.block(processor.type, None)
    if type_ is None:
        return
    entries = {key: place for key, place in processor.settings.items() if type_.connector is None or key != type_.key}
    written = Written(f"the `{type_.name}` block", processor.place.at, entries)
    check_base(type_.settings, written, context.build, context.report)


# --- endless calls -----------------------------------------------------------------------------------------------


def _cycles(context: Context, flows: Mapping[str, FlowDoc]) -> None:
    calls = {name: _certain_calls(flow) for name, flow in flows.items()}
    for cycle in _circles(calls):
        message = f"these flows call one another without end: {' -> '.join([*cycle, cycle[0]])}"
        hint = "put one of the calls into a branch, e.g. into `if`, so that it can end"
        at = _call_at(context, flows[cycle[0]], [*cycle, cycle[0]][1])
        context.report.error(codes.ENDLESS_CALLS, at, message, hint)


def _certain_calls(flow: FlowDoc) -> set[str]:
    """The flows that this one calls for every message: directly in its chain, before any block that may stop it."""
    called: set[str] = set()
    for block in flow.process:
        found = list(sockets(block.settings))
        if not any(isinstance(socket, Steps) for _, socket in found):
            called |= {socket.name for path, socket in found if isinstance(socket, FlowRef) and len(path) == 1}
        for path, socket in found:
            is_decision = isinstance(socket, Expr) and result_at(block.type.settings, path) is bool
            if is_decision and not any(isinstance(each, Steps) for _, each in found):
                return called
    return called


def _circles(calls: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
    """Circles of calls, each beginning with the flow that comes first in the file. Every flow is visited once."""
    done: set[str] = set()
    for start in calls:
        way: dict[str, Iterator[str]] = {}
        following = start if start not in done else None
        while following is not None or way:
            if following is not None:
                way[following] = iter(sorted(calls.get(following, ())))
            name = next(reversed(way))
            following = next((each for each in way[name] if each not in done), None)
            if following is None:
                done.add(name)
                del way[name]
            elif following in way:
                names = list(way)
                yield names[names.index(following) :]
                following = None


def _call_at(context: Context, flow: FlowDoc, called: str) -> Position:
    for block in flow.process:
        for _, socket in sockets(block.settings):
            if isinstance(socket, FlowRef) and socket.name == called:
                return next((place.at for each, place in context.calls if each is socket), block.at)
    return flow.at


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
