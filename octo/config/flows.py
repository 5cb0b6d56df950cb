"""The flows of a configuration, and the processors that their blocks may refer to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from octo.config import codes
from octo.config.blocks import chain, refuse_empty_handler
from octo.config.context import Context, Entry, Processor
from octo.config.documents import BlockDoc, DeadLetterDoc, FlowDoc, SourceDoc
from octo.config.model import known_keys
from octo.config.place import Place
from octo.config.reader import kind
from octo.config.settings import Written, validate
from octo.config.sources import source
from octo.core.budget import Budget
from octo.core.contract import Contract
from octo.core.language import LONGEST_DESCRIPTION, DeadLetters, Durability, FlowSettings
from octo.core.sockets import FlowRef

KEYS = tuple(known_keys(FlowSettings))
_COUNTS = {key: int(FlowSettings.model_fields[key].default) for key in ("workers", "buffer", "pool")}


def read_processors(context: Context, places: list[Place]) -> None:
    """Fill `context.processors`. Their settings are checked where a block uses them and adds its own; see `lint`."""
    for place in places:
        processor = _processor(context, place)
        if processor is None:
            continue
        old = context.processors.setdefault(processor.name, processor)
        if old is not processor:
            name = processor.place.get("name") or processor.place
            message = f"the processor `{name.shown}` is defined twice"
            context.report.error(codes.DUPLICATE_NAME, name.at, message, f"the first one is at {old.place.at}")


def _processor(context: Context, place: Place) -> Processor | None:
    reader = context.reader
    if not isinstance(place.value, dict):
        reader.wrong(place, f"a processor must be a mapping, found {kind(place.value)}", "write `- name: NAME`")
        return None
    fields = reader.mapping(place, ("name", "type", "settings"), "a processor")
    name = reader.name(fields, place, "a processor")
    type_ = reader.name(fields, place, "a processor", "type")
    settings = reader.free_mapping(fields.get("settings"), "`settings`")
    return Processor(name, type_ or "", settings, place) if name is not None else None


def read_flows(context: Context, places: list[Place]) -> dict[str, FlowDoc]:
    flows: dict[str, FlowDoc] = {}
    named: dict[str, Place] = {}
    for index, place in enumerate(places):
        flow = _flow(context, place, index)
        if flow is None:
            continue
        old = named.setdefault(flow.name, place)
        if old is not place:
            name = place.get("name") or place
            message = f"the flow `{name.shown}` is defined twice"
            context.report.error(codes.DUPLICATE_NAME, name.at, message, f"the first one is at {old.at}")
            continue
        flows[flow.name] = flow
    if any(flow.input is not None for flow in flows.values()):
        from octo.config.inference import check_inputs

        check_inputs(context, flows, named)
    return flows


def _flow(context: Context, place: Place, index: int) -> FlowDoc | None:
    reader = context.reader
    if not isinstance(place.value, dict):
        reader.wrong(place, f"a flow must be a mapping, found {kind(place.value)}", "write `- name: NAME`")
        return None
    fields = reader.mapping(place, KEYS, "a flow")
    source_place = fields.get("source")
    has_source = source_place is not None and source_place.value is not None
    # A flow with a source needs no name; logs and metrics then call it `flow-1`, by its place in the list.
    name = reader.label(fields.get("name")) if has_source else reader.name(fields, place, "a flow without a source")
    name = name or f"flow-{index + 1}"
    context.entries.append(Entry("flow", name, "", "", name, place))
    bound = _source(context, source_place, name) if has_source and source_place is not None else None
    process = chain(context, reader.entries(fields.get("process")), name, is_root=True)
    recovery = _recovery(context, fields.get("error"), name)
    workers = _count(context, fields.get("workers"), _COUNTS["workers"])
    return FlowDoc(
        name=name,
        source=bound,
        process=process,
        error=recovery,
        workers=workers,
        buffer=_count(context, fields.get("buffer"), max(_COUNTS["buffer"], workers)),
        pool=_count(context, fields.get("pool"), _COUNTS["pool"]),
        at=place.at,
        input=_input(context, fields.get("input")),
        contract=_contract(context, place, fields, name),
        mask=_mask(context, fields.get("mask")),
        description=_description(context, fields.get("description")),
        dead_letter=_dead_letter(context, fields.get("deadLetter")),
        durability=_durability(context, place, fields, name),
        budget=_budget(context, fields.get("budget")),
    )


def _source(context: Context, place: Place, flow: str) -> SourceDoc | None:
    connector, bound = source(context, place)
    context.entries.append(Entry("source", "", flow, place.said("type"), connector, place, bound))
    return bound


def _recovery(context: Context, place: Place | None, flow: str) -> tuple[BlockDoc, ...] | None:
    if place is None:
        return None
    address = f"{flow}[error]"
    context.entries.append(Entry("error", address, flow, "", "error", place))
    if place.value is None:
        hint = "remove the key, or give it a value"
        context.report.warn(codes.EMPTY, place.key_at, "`error` is empty and counts as not written", hint)
        return None
    if place.value == []:
        refuse_empty_handler(context, place, "error")
    return chain(context, context.reader.entries(place), address)


def _input(context: Context, place: Place | None) -> Mapping[str, object] | None:
    """The schema as written; `octo.config.inference` reads it once all flows are known."""
    context.reader.free_mapping(place, "`input`")
    return place.value if place is not None and isinstance(place.value, dict) else None


def _contract(context: Context, place: Place, fields: dict[str, Place], flow: str) -> Contract | None:
    entries = {key: each for key, each in fields.items() if key in ("requires", "ensures")}
    if not entries:
        return None
    written = Written(f"the contract of `{flow}`", place.at, entries)
    settings = validate(FlowSettings, written, context.build, context.report)
    return Contract(settings.requires, settings.ensures) if settings else None


def _mask(context: Context, place: Place | None) -> tuple[str, ...]:
    names = (context.reader.text(each) for each in context.reader.entries(place))
    return tuple(name for name in names if name)


def _description(context: Context, place: Place | None) -> str:
    text = (context.reader.text(place) or "").strip()
    if place is not None and len(text) > LONGEST_DESCRIPTION:
        message = f"`description` has {len(text):,} characters; at most {LONGEST_DESCRIPTION:,} are allowed"
        context.report.error(codes.INVALID, place.at, message, "say what the flow does; put the rest into a comment")
    return text


def _dead_letter(context: Context, place: Place | None) -> DeadLetterDoc | None:
    if place is None or place.value is None:
        return None
    fields = context.reader.free_mapping(place, "`deadLetter`")
    if not isinstance(place.value, dict):
        return None
    settings = validate(DeadLetters, Written("`deadLetter`", place.at, fields), context.build, context.report)
    if settings is None:
        return None
    ((kind, target),) = settings.model_dump(exclude_none=True).items()
    if kind == "flow":
        context.calls.append((FlowRef(target), fields["flow"]))
    elif kind == "file":
        target = str((context.build.root or Path()) / target)
    return DeadLetterDoc(kind, target, fields[kind].at)


def _budget(context: Context, place: Place | None) -> Budget | None:
    fields = context.reader.free_mapping(place, "`budget`")
    if place is None or not isinstance(place.value, dict):
        return None
    return validate(Budget, Written("`budget`", place.at, fields), context.build, context.report)


def _durability(context: Context, place: Place, fields: dict[str, Place], flow: str) -> Durability:
    entries = {key: each for key, each in fields.items() if key == "durability" and each.value is not None}
    if not entries:
        return "ack"
    settings = validate(FlowSettings, Written(f"the flow `{flow}`", place.at, entries), context.build, context.report)
    return settings.durability if settings else "ack"


def _count(context: Context, place: Place | None, default: int) -> int:
    """The number if it is above zero, else the default."""
    count = context.reader.whole(place)
    return count if count > 0 else default
