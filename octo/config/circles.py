"""Flows that call one another in a circle: refused if no message can leave it, else a warning if they send messages.

A call that waits ends after 100 levels at the latest. A message that is sent has no such limit: if each sends several,
there are more and more of them, and one that fails and sends itself again goes round for ever.

Dead letters that come back to their flow are refused, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from octo.config import codes
from octo.config.context import Context
from octo.config.documents import BlockDoc, FlowDoc
from octo.config.model import kinds_at, result_at
from octo.config.place import Path
from octo.config.walk import blocks_of, in_circles, queue_of
from octo.core.errors import Position
from octo.core.expressions import Expr
from octo.core.sockets import Always, FlowRef, Steps, sockets


class Call(NamedTuple):
    """A reference from one flow to another. sends: whether it does not wait for the other."""

    caller: str
    callee: str
    at: Position
    sends: bool


def circles(context: Context, flows: Mapping[str, FlowDoc]) -> None:
    """Report circles of calls, each once."""
    places = {id(socket): place.at for socket, place in context.calls}
    calls = [call for flow in flows.values() for call in _calls(flow, places) if call.callee in flows]
    endless: set[str] = set()
    for circle in _rings({name: _certain(flow.process)[0] for name, flow in flows.items()}):
        message = f"these flows call one another without end: {_shown(circle)}"
        hint = "put one of the calls into a branch, e.g. into `if`, so that it can end"
        at = next(call.at for call in calls if (call.caller, call.callee) == (circle[0], [*circle, circle[0]][1]))
        context.report.error(codes.ENDLESS_CALLS, at, message, hint)
        endless.update(circle)
    _sending(context, calls, endless)


def dead_letters(context: Context, flows: Mapping[str, FlowDoc]) -> None:
    """Refuse dead letters that come back to their flow: a letter kept twice counts once, so it would be lost."""
    takers: dict[str, list[str]] = {}
    for flow in flows.values():
        if (queue := queue_of(flow)) is not None:
            takers.setdefault(queue, []).append(flow.name)
    following = {name: [each for each in _takers(flow, takers) if each in flows] for name, flow in flows.items()}
    for circle in _rings(following):
        told = flows[circle[0]].dead_letter
        assert told is not None
        message = f"the flow `{circle[0]}` cannot take its own dead letters"
        message += f": they go {_shown(circle)}" if len(circle) > 1 else ""
        hint = f"name another {told.kind}; errors that the flow itself can handle belong into its `error:` chain"
        context.report.error(codes.INVALID, told.at, message, hint)


def _takers(flow: FlowDoc, takers: Mapping[str, list[str]]) -> Collection[str]:
    """The flows that get the dead letters of a flow."""
    if flow.dead_letter is None or flow.dead_letter.kind == "file":
        return ()
    target = flow.dead_letter.target
    return (target,) if flow.dead_letter.kind == "flow" else takers.get(target, ())


def _sending(context: Context, calls: list[Call], reported: set[str]) -> None:
    """Warn of each circle in which a flow sends messages, at the first such call."""
    graph: dict[str, set[str]] = {name: set() for call in calls for name in (call.caller, call.callee)}
    for call in calls:
        graph[call.caller].add(call.callee)
    round_trips = in_circles(graph)
    for call in calls:
        if not call.sends or call.caller in reported or not {call.caller, call.callee} <= round_trips:
            continue
        back = _way(graph, call.callee, call.caller)
        if back:
            message = f"messages may be sent round without end: {_shown([call.caller, *back[:-1]])}"
            hint = "let each message send at most one more, and make sure that a last one sends none, e.g. by a counter"
            context.report.warn(codes.SENT_IN_CIRCLES, call.at, message, hint)
            reported.update(back)


def _calls(flow: FlowDoc, places: Mapping[int, Position]) -> Iterator[Call]:
    for block in blocks_of(flow):
        for _, socket in sockets(block.settings):
            if isinstance(socket, FlowRef):
                sends = getattr(block.settings, "one_way", False) is True
                yield Call(flow.name, socket.name, places.get(id(socket), block.at), sends)


def _certain(blocks: Iterable[BlockDoc]) -> tuple[set[str], bool]:
    """The flows that a chain calls for every message, until a block that may stop it; whether there is such a block.

    A block with a condition may stop the chain, and one whose settings say so: `may_stop: ClassVar[bool] = True`.
    """
    called: set[str] = set()
    for block in blocks:
        found = list(sockets(block.settings))
        chains = [(path, socket) for path, socket in found if isinstance(socket, Steps)]
        may_stop = False
        for path, steps in chains:
            if _always_runs(block, path):
                inner, stops = _certain(steps.blocks)
                called |= inner
                may_stop |= stops
        if not chains:
            called |= {socket.name for path, socket in found if isinstance(socket, FlowRef) and len(path) == 1}
            may_stop = any(
                isinstance(socket, Expr) and result_at(block.type.settings, path) is bool for path, socket in found
            )
        if may_stop or getattr(block.settings, "may_stop", False) is True:
            return called, True
    return called, False


def _always_runs(block: BlockDoc, path: Path) -> bool:
    return any(isinstance(note, Always) for kind in kinds_at(block.type.settings, path) for note in kind.notes)


def _rings(calls: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
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


def _way(graph: Mapping[str, Collection[str]], start: str, end: str) -> list[str]:
    """The shortest way from one flow to another, both included; [] if there is none."""
    before: dict[str, str | None] = {start: None}
    waiting = [start]
    for name in waiting:
        if name == end:
            break
        for each in sorted(graph[name]):
            if each not in before:
                before[each] = name
                waiting.append(each)
    way: list[str] = []
    step: str | None = end if end in before else None
    while step is not None:
        way.insert(0, step)
        step = before[step]
    return way


def _shown(circle: list[str]) -> str:
    return " -> ".join([*circle, circle[0]])
