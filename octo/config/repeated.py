"""Calls that must happen once, in chains that may run again for the same message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from octo.config import codes
from octo.config.context import Context
from octo.config.documents import BlockDoc, FlowDoc
from octo.config.walk import blocks_of, deep
from octo.core.settings import Effectful, Settings
from octo.core.sockets import FlowRef, Repeating, Steps, sockets

HINT = (
    "give it a key that stays the same over all attempts (`headers: {Idempotency-Key: eventID}`), write it so that a "
    "second time changes nothing, or repeat only what was never sent: `on: [NotConnected]`"
)


def check_repeated(context: Context, flows: Mapping[str, FlowDoc]) -> None:
    """Warn of each such call, also in the flows that a repeated chain calls."""
    warned: set[str] = set()
    for flow in flows.values():
        for repeating in blocks_of(flow):
            chain = _chain(repeating.settings)
            for call in _calls(chain.blocks, flows) if isinstance(chain, Steps) else ():
                if call.address not in warned and _must_happen_once(call):
                    warned.add(call.address)
                    message = f"`{call.label}` is called again by `{repeating.label}`, and may then happen twice"
                    context.report.warn(codes.REPEATED, call.at, message, HINT)


def _chain(settings: Settings) -> Steps | None:
    """The chain that a block may run again."""
    # The first question says no to nearly all blocks, and takes no time.
    return settings.repeated if hasattr(type(settings), "repeated") and isinstance(settings, Repeating) else None


def _calls(blocks: Iterable[BlockDoc], flows: Mapping[str, FlowDoc]) -> Iterator[BlockDoc]:
    """The blocks that run with a chain, in called flows too."""
    waiting, entered = list(deep(blocks)), set[str]()
    while waiting:
        block = waiting.pop(0)
        yield block
        for _, socket in sockets(block.settings):
            if isinstance(socket, FlowRef) and socket.name in flows and socket.name not in entered:
                entered.add(socket.name)
                waiting += blocks_of(flows[socket.name])


def _must_happen_once(block: BlockDoc) -> bool:
    settings = block.settings
    return block.type.calls_outside and (settings.effect if isinstance(settings, Effectful) else "once") == "once"
