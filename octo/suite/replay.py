"""Replay: a recorded message runs again through the current files, and what differs is reported."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from octo.core.errors import Position
from octo.debug import mocks
from octo.suite.case import Call, Case
from octo.suite.compare import Difference, differences
from octo.suite.configs import Configs
from octo.suite.format import Input
from octo.suite.gaps import Gaps
from octo.suite.recorded import Unusable, made_of
from octo.suite.run import run_case
from octo.trace.crossing import Trace
from octo.trace.encode import encode
from octo.trace.packed import records
from octo.trace.record import Record, SpanState, first, states
from octo.trace.recorder import Recorder

Place = tuple[str, int]
"""The address of a block or the name of a flow, and the number of the crossing, from 1."""


_ANY = sys.maxsize
"""Bytes of a payload: what was recorded with a higher cap is compared whole."""


class Crossed(NamedTuple):
    """One crossing, compared: it is the same, it changed, it no longer happens (`gone`), or it is new."""

    path: str
    nth: int
    kind: Literal["same", "changed", "gone", "new"]
    differences: tuple[Difference, ...] = ()


class Replayed(NamedTuple):
    """The result of a replay. steps: the crossings; the first is the flow itself, which shows how it ended."""

    flow: str
    steps: tuple[Crossed, ...]

    @property
    def is_same(self) -> bool:
        """Whether the flow ends as it did, whatever happened on the way."""
        return self.steps[0].kind == "same"


def replay(trace: Sequence[Record], configs: Configs, path: Path) -> Replayed:
    """Run the message of a trace against the configuration at `path`.

    Nothing outside is called: blocks that call other systems return what was recorded, and fail if they were not
    called then. Raises `Unusable` if the trace cannot be replayed, and `ConfigError`.
    """
    with configs.lent(path, {}) as config:
        made = made_of(trace, config)
        wanted = made.suite
        standins = {address: mocks.parse(spec, address, config.env) for address, spec in wanted["mocks"].items()}
    given = Input(**wanted["cases"][0]["input"])
    flow, clock = wanted["flow"], made.gaps.clock
    call = Call(flow, given.meant(), given.vars, raw=given.content_type is not None)
    case = Case("replay", path, path, flow, Position("", 0, 0), (call,), mocks=standins, clock=clock)
    kept: list[Trace] = []
    outcome = run_case(case, configs, observers=[Recorder(kept.append)])
    if not kept:
        raise Unusable(f"the message could not be replayed: {outcome.reason}")
    return Replayed(flow, tuple(_compared(first(trace), records(encode(kept[0], _ANY).data), made.gaps)))


def _compared(before: Sequence[Record], after: Sequence[Record], gaps: Gaps) -> list[Crossed]:
    old, new = _by_place(before), _by_place(after)
    steps = []
    for place in [*old, *(each for each in new if each not in old)]:
        path, nth = place
        if place not in new:
            steps.append(Crossed(path, nth, "gone"))
        elif place not in old:
            steps.append(Crossed(path, nth, "new"))
        else:
            found = tuple(_differences(old[place], new[place], gaps))
            steps.append(Crossed(path, nth, "changed" if found else "same", found))
    return steps


def _by_place(trace: Sequence[Record]) -> dict[Place, SpanState]:
    times: Counter[str] = Counter()
    found: dict[Place, SpanState] = {}
    for state in states(trace):
        path = state.record["path"]
        times[path] += 1
        found[path, times[path]] = state
    return found


def _differences(old: SpanState, new: SpanState, gaps: Gaps) -> list[Difference]:
    """How the ends of the two crossings differ."""
    outcomes = old.record["outcome"], new.record["outcome"]
    if outcomes[0] != outcomes[1]:
        error = new.record.get("error", {}).get("message")
        return [Difference("", f"was {outcomes[0]}, is {outcomes[1]}{f': {error}' if error else ''}")]
    if old.after is None or new.after is None:
        was, now = (each.record.get("error", {}).get("message", "") for each in (old, new))
        return _under("error", was, now, gaps)
    raw = (
        [Difference("raw", f"was {old.after.raw}, is {new.after.raw}".lower())]
        if old.after.raw != new.after.raw
        else []
    )
    return [
        *raw,
        *_under("body", old.after.body, new.after.body, gaps),
        *_under("vars", dict(old.after.vars), dict(new.after.vars), gaps),
    ]


def _under(name: str, old: object, new: object, gaps: Gaps) -> list[Difference]:
    return [each._replace(path=f"{name}{each.path}") for each in differences(old, gaps.filled(old, new))]
