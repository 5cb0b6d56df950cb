"""Chains of blocks: each entry becomes a typed document, and so do the chains inside it.

The settings models alone say which settings hold chains (`Steps`); no block type is named here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from octo.config import codes, guesses
from octo.config.context import Context, Entry, Processor
from octo.config.documents import BlockDoc
from octo.config.model import Kind, field_kinds, fields_of, kinds_at
from octo.config.place import Path, Place
from octo.config.reader import did_you_mean, kind
from octo.config.settings import Written, validate
from octo.core.block import BlockType
from octo.core.settings import Settings
from octo.core.sockets import ConnectorRef, FlowRef, Handler, Of, Steps, sockets
from octo.expr import nearest

RESERVED = ("type", "ref", "name", "settings")


def chain(context: Context, places: Iterable[Place], prefix: str, *, is_root: bool = False) -> tuple[BlockDoc, ...]:
    """The blocks of a chain. `prefix` is the address of the chain: `flow`, `flow[error]`, `flow.check[then]`.

    is_root: whether it is the chain of a flow itself.
    """
    taken: dict[str, int] = {}
    found = (_block(context, place, prefix, taken, is_root=is_root) for place in places)
    return tuple(each for each in found if each is not None)


def entry_settings(context: Context, fields: dict[str, Place]) -> dict[str, Place]:
    """The settings of a block, written under `settings:` or beside `type:`."""
    settings = context.reader.free_mapping(fields.get("settings"), "`settings`")
    for key, place in fields.items():
        if key in RESERVED:
            continue
        if key in settings:
            message = f"`{key}` is written both beside `type` and under `settings`"
            context.report.error(codes.KEY_TWICE, place.key_at, message, f"the other is at {settings[key].key_at}")
        else:
            settings[key] = place
    return settings


def _block(context: Context, place: Place, prefix: str, taken: dict[str, int], *, is_root: bool) -> BlockDoc | None:
    if not isinstance(place.value, dict):
        context.reader.wrong(place, f"a block must be a mapping, found {kind(place.value)}", "write `- type: TYPE`")
        return None
    fields = place.fields()
    settings = entry_settings(context, fields)
    name = context.reader.label(fields.get("name"))
    type_, base = _type(context, place, fields)
    named = type_.name if type_ else place.said("type", "ref")
    label = name or named
    address = _address(prefix, label, taken)
    context.entries.append(Entry("block", address, prefix, named, label, place))
    if type_ is None:
        return None
    if type_.takes_tail and not is_root:
        message = f"`{type_.name}` stands inside another block or an `error:` chain"
        hint = "it takes the rest of a flow: put it directly under `process:` of a flow, which `flow-ref` can call"
        context.report.error(codes.NOT_AT_ROOT, place.at, message, hint)
    what = f"the `{type_.name}` block"
    entries = {**base, **settings}
    connector = None
    if type_.connector is not None:
        connector = context.connectors.for_block(type_, entries.pop(type_.key, None), place.at)
    written = Written(what, place.at, entries, labels=tuple(key for key in RESERVED if key in fields))
    valid = validate(type_.settings, written, context.build, context.report)
    if valid is None:
        _nested_anyway(context, type_, written, address)
        return None
    _refuse_slots_of_processor(context, valid, base, fields)
    _fill(context, valid, written, address)
    ref = context.reader.label(fields.get("ref")) or ""
    return BlockDoc(type_, label, address, valid, connector, place.at, ref)


def _address(prefix: str, label: str, taken: dict[str, int]) -> str:
    """Unique within the chain: the second block of a label is `label#2`."""
    taken[label] = taken.get(label, 0) + 1
    return f"{prefix}.{label}" if taken[label] == 1 else f"{prefix}.{label}#{taken[label]}"


# --- type or ref -------------------------------------------------------------------------------------------------


def _type(context: Context, place: Place, fields: dict[str, Place]) -> tuple[BlockType | None, dict[str, Place]]:
    """The block's type, and the settings that it takes from a processor."""
    ref = fields.get("ref")
    if ref is None or ref.value is None:
        return _own_type(context, place, fields), {}
    processor = _processor(context, ref)
    if processor is None:
        return None, {}
    own = context.reader.text(fields.get("type"))
    if own is not None and own != processor.type:
        message = f"the processor `{processor.name}` is of type `{processor.type}`, not `{fields['type'].shown}`"
        hint = "remove `type`, or use another processor"
        context.report.error(codes.PROCESSOR_TYPE, fields["type"].at, message, hint)
        return None, {}
    return context.known.block(processor.type, processor.place), processor.settings


def _own_type(context: Context, place: Place, fields: dict[str, Place]) -> BlockType | None:
    is_missing = "type" not in fields
    misspelt = [key for key in fields if is_missing and key not in RESERVED and nearest(key, ("type", "ref"))]
    if misspelt:
        at = fields[misspelt[0]].key_at
        hint = did_you_mean(misspelt[0], RESERVED)
        context.report.error(codes.UNKNOWN_KEY, at, f"a block has no key `{misspelt[0]}`", hint)
        return None
    names = context.known.block_names if is_missing else ()
    short = next((key for key in fields if key in names and key not in RESERVED), None)
    if short:
        hint = f"write `- type: {short}`, and its settings below `settings:`"
        context.report.error(codes.MISSING, fields[short].key_at, "`type` of a block is missing", hint)
        return None
    name = context.reader.name(fields, place, "a block", "type")
    return block_type(context, name, fields["type"]) if name else None


def block_type(context: Context, name: str, place: Place, *, is_used: bool = True) -> BlockType | None:
    """The type of that name. That there is none is an error, or a warning about a block that never runs."""
    found = context.known.block(name, place)
    if found is None and name not in context.known.block_names and not place.is_broken:
        more = ""
        if name in context.known.connector_names:
            more = f"`{name}` is a connector; declare it under `connectors:`"
        elif name in context.processors:
            more = f"`{name}` is a processor; write `ref: {name}`"
        hint = did_you_mean(name, context.known.block_names, more, guesses.block)
        tell = context.report.error if is_used else context.report.warn
        tell(codes.UNKNOWN_BLOCK, place.at, f"no block type `{place.shown}`", hint)
    return found


def _processor(context: Context, ref: Place) -> Processor | None:
    name = context.reader.label(ref)
    if name is None or ref.is_broken:
        return None
    context.refs.add(name)
    found = context.processors.get(name)
    if found is None:
        more = "" if context.processors else "declare it under `processors:`, or write `type:` for a block type"
        hint = did_you_mean(name, context.processors, more)
        context.report.error(codes.UNKNOWN_PROCESSOR, ref.at, f"no processor is named `{ref.shown}`", hint)
    return found


# --- chains and references inside --------------------------------------------------------------------------------


def _fill(context: Context, settings: Settings, written: Written, address: str) -> None:
    branches: set[str] = set()
    for path, socket in sockets(settings):
        place = written.find(path)
        if place is None:
            continue
        if isinstance(socket, FlowRef):
            context.calls.append((socket, place))
        elif isinstance(socket, ConnectorRef):
            context.connectors.named(written.what, _wanted(settings, path), place, str(path[0]))
        elif isinstance(socket, Steps):
            socket.address = f"{address}[{_branch(path, socket, written, branches)}]"
            socket.blocks = _inner(context, place, socket, address)
            if not socket.raw and _handles_errors(settings, path):
                refuse_empty_handler(context, place, str(path[-1]))
    for name, info in type(settings).model_fields.items():
        if getattr(settings, name) is None and any(each.is_a(Steps) for each in field_kinds(info)):
            key = info.alias or name
            absent = Entry("branch", f"{address}[{key}]", address, "", key, written.entries.get(key))
            context.entries.append(absent)


def _wanted(settings: Settings, path: Path) -> str:
    """The type or family of connectors that the setting names one of."""
    return next(note.family for each in kinds_at(type(settings), path) for note in each.notes if isinstance(note, Of))


def _handles_errors(settings: Settings, path: Path) -> bool:
    return any(isinstance(note, Handler) for kind in kinds_at(type(settings), path) for note in kind.notes)


def refuse_empty_handler(context: Context, place: Place, key: str) -> None:
    message = f"`{key}` has no block, so it would hide every error"
    hint = "add a block, at least one that tells: `- {type: log, message: vars.error.message}`; or remove the handling"
    context.report.error(codes.EMPTY_HANDLER, place.at, message, hint)


def _inner(context: Context, place: Place, steps: Steps, owner: str) -> tuple[BlockDoc, ...]:
    name = steps.address[len(owner) + 1 : -1]
    context.entries.append(Entry("branch", steps.address, owner, "", name, place))
    blocks = place.walk(steps.path)
    return chain(context, blocks.items() if blocks else (), steps.address)


def _branch(path: Path, steps: Steps, written: Written, taken: set[str]) -> str:
    """The name of a branch in an address: its key; in a list its own name, or else its index."""
    if len(path) > 1 and path[-1] == "process":
        path = path[:-1]
    last = path[-1]
    name = str(last)
    if isinstance(last, int):
        owner = written.find(path)
        given = owner.get("name") if owner else None
        own = steps.name or (given.value if given else None)
        name = own if isinstance(own, str) and own and own not in taken else name
    taken.add(name)
    return name


def _nested_anyway(context: Context, type_: BlockType, written: Written, address: str) -> None:
    """Read the chains of a block whose settings are wrong elsewhere, so that all problems are shown at once."""
    branches: set[str] = set()
    for key, info in fields_of(type_.settings):
        place = written.entries.get(key)
        for path, steps in _steps(field_kinds(info), place, (key,)) if place else ():
            found = written.find(path)
            steps.address = f"{address}[{_branch(path, steps, written, branches)}]"
            if found is not None:
                _inner(context, found, steps, address)


def _steps(found: list[Kind], place: Place, path: Path) -> Iterator[tuple[Path, Steps]]:
    """The chains in a part of the settings, found by its type alone, if they look like chains."""
    if any(each.is_a(Steps) for each in found):
        steps = Steps.read(place.value)
        blocks = place.walk(steps.path) if steps else None
        if steps and blocks and all(_looks_like_block(each) for each in blocks.items()):
            yield path, steps
        return
    inside: list[tuple[str | int, Place]] = [*place.fields().items(), *enumerate(place.items())]
    for step, child in inside:
        yield from _steps([kind for each in found for kind in each.at(step)], child, (*path, step))


def _looks_like_block(place: Place) -> bool:
    return isinstance(place.value, dict) and ("type" in place.value or "ref" in place.value)


def _refuse_slots_of_processor(
    context: Context, settings: Settings, base: dict[str, Place], fields: dict[str, Place]
) -> None:
    for path, socket in sockets(settings):
        place = base.get(str(path[0]))
        if isinstance(socket, Steps) and place is not None and socket.raw and path[0] not in fields:
            message = f"a processor cannot hold the chain `{path[0]}`"
            context.report.error(codes.SUB_FLOW, place.key_at, message, "write it in the block that uses the processor")
