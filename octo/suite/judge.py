"""Judging: compares what was expected of a call with what happened.

The ending comes first: if a flow did not end as expected, nothing else is compared. Otherwise everything that differs
is reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from octo import expr
from octo.core.expressions import Build
from octo.core.message import Message
from octo.core.powers import Witnessing
from octo.expr import ExprError
from octo.suite.case import Call, Case
from octo.suite.compare import as_written, compared, rendered
from octo.suite.format import Expect, Record, Spy, Wanted
from octo.suite.outcome import Happened, Mismatch

if TYPE_CHECKING:
    from octo.debug import Crossing

Crossings = Mapping[str, Sequence["Crossing"]]


def judge(case: Case, happened: Sequence[Happened], crossings: Crossings, env: Mapping[str, str]) -> list[Mismatch]:
    """Return all that was not as expected. env: the values of `env.NAME` in `that`."""
    judging = _Judging(Build(env))
    found: list[Mismatch] = []
    for index, (call, what) in enumerate(zip(case.calls, happened, strict=False)):
        prefix = f"calls[{index}]: " if len(case.calls) > 1 else ""
        found += (_under(prefix, each) for each in judging.call(call, what, crossings))
    found += judging.spies(case.spies, crossings)
    for name, stub in case.stubs.items():
        if isinstance(stub, Witnessing):
            found += (Mismatch(f"stub {name}: {each}") for each in stub.complaints())
    return found


def _under(prefix: str, mismatch: Mismatch) -> Mismatch:
    return mismatch._replace(summary=f"{prefix}{mismatch.summary}")


class _Judging:
    def __init__(self, build: Build) -> None:
        self.build = build

    def call(self, call: Call, what: Happened, crossings: Crossings) -> Iterator[Mismatch]:
        if call.flow is not None:
            expect = call.expect or Expect.model_construct()
            only_reply = expect.has_reply and not expect.of_the_flow
            ending = [] if only_reply else list(_ending(expect, what))
            if ending:
                yield from ending
                return
            if what.result is not None:
                yield from self.message("expect", expect, what.result)
            if expect.has_reply and (wrong := list(_reply(expect.reply, what.reply))):
                yield from wrong
                if what.result is None:  # the reply does not say why
                    yield Mismatch(f"the flow {what.ending}", _more(what))
        during = {address: crossings[address][slice(*what.crossed[address])] for address in call.spies}
        yield from self.spies(call.spies, during)

    def message(self, label: str, wanted: Wanted, message: Message) -> Iterator[Mismatch]:
        """Yield what differs in a message: its body, its variables, the conditions on it."""
        if wanted.has_body:
            yield from compared(f"{label}.body", wanted.body, as_written(wanted.body, message.body))
        if wanted.raw not in (None, message.raw):
            yield Mismatch(f"{label}.raw: want {rendered(wanted.raw)}, got {rendered(message.raw)}")
        yield from _subset(f"{label}.vars", wanted.vars, message.vars, "vars")
        for text in wanted.that:
            yield from self.condition(f"{label}.that", text, message)

    def condition(self, label: str, text: str, message: Message) -> Iterator[Mismatch]:
        try:
            program = expr.compile(text, self.build.scope())
        except ExprError as error:
            yield Mismatch(f"{label}: {text} does not compile: {error}")
            return
        try:
            value = expr.settle(program.function(message))
        except ExprError as error:
            yield Mismatch(f"{label}: {text} did not evaluate: {error}")
            return
        if not isinstance(value, bool):
            yield Mismatch(f"{label}: {text} is not a true/false expression (it returned {rendered(value)})")
        elif not value:
            yield Mismatch(f"{label}: {text} is false")

    def spies(self, spies: Mapping[str, Spy], crossings: Crossings) -> Iterator[Mismatch]:
        for address, spy in spies.items():
            crossed = crossings[address]
            if spy.count is not None and spy.count != len(crossed):
                yield Mismatch(f"spy {address}: crossed {_times(len(crossed))}, want {spy.count}")
            elif len(spy.records) > len(crossed):
                wants = f"asserts on {len(spy.records)} crossings"
                yield Mismatch(f"spy {address}: {wants}, but it crossed {_times(len(crossed))}")
            for index, (record, crossing) in enumerate(zip(spy.records, crossed, strict=False)):
                yield from self.record(f"spy {address} record {index}", record, crossing)

    def record(self, label: str, record: Record, crossing: Crossing) -> Iterator[Mismatch]:
        if record.input is not None:
            yield from self.message(f"{label} input", record.input, crossing.input)
        way = _way(crossing)
        if record.error is not None:
            if crossing.error is None:
                yield Mismatch(f"{label} error: the block did not fail, it {way} (wanted {_containing(record.error)})")
            elif record.error not in crossing.error:
                yield Mismatch(f"{label} error: want {_containing(record.error)}, got {rendered(crossing.error)}")
        elif record.dropped and crossing.dropped is None:
            yield Mismatch(f"{label} dropped: the block did not drop the message, it {way}")
        elif record.output is not None:
            if crossing.output is None:
                yield Mismatch(f"{label} output: the block {way}")
            else:
                yield from self.message(f"{label} output", record.output, crossing.output)


def _ending(expect: Expect, what: Happened) -> Iterator[Mismatch]:
    """Yield what is wrong with the way the flow ended."""
    if expect.error is not None:
        if what.error is None:
            wanted = _containing(expect.error)
            yield Mismatch(f"expect.error: the flow did not fail, it {what.ending} (wanted {wanted})")
        elif expect.error not in what.error:
            yield Mismatch(f"expect.error: want {_containing(expect.error)}, got {rendered(what.error)}")
    elif expect.dropped:
        if what.dropped is None:
            yield Mismatch(f"expect.dropped: the flow did not drop the message, it {what.ending}")
    elif what.result is None:
        yield Mismatch(f"the flow {what.ending}", _more(what))


def _more(what: Happened) -> str:
    """Why a message was dropped, or where it failed."""
    if what.dropped:
        return f"reason: {what.dropped}"
    return f"at {what.at}" if what.at else ""


def _reply(want: object, got: object) -> Iterator[Mismatch]:
    if not isinstance(want, Mapping) or not isinstance(got, Mapping):
        yield from compared("expect.reply", want, got)
        return
    headers = want.get("headers")
    rest = {key: value for key, value in want.items() if key != "headers" or not isinstance(headers, Mapping)}
    yield from _subset("expect.reply", rest, got, "reply")
    if isinstance(headers, Mapping):
        found = {str(name).lower(): value for name, value in dict(got.get("headers") or {}).items()}
        wanted = {str(name).lower(): value for name, value in headers.items()}
        yield from _subset("expect.reply.headers", wanted, found, "headers")


def _subset(label: str, want: Mapping[str, object], got: Mapping[str, object], what: str) -> Iterator[Mismatch]:
    for key, value in want.items():
        if key in got:
            yield from compared(f"{label}.{key}", value, as_written(value, got[key]))
        else:
            yield Mismatch(f"{label}.{key}: not set ({what}: {', '.join(sorted(got)) or 'none'})")


def _containing(text: str) -> str:
    return f'a failure containing "{text}"' if text else "a failure"


def _times(count: int) -> str:
    return f"{count} time" if count == 1 else f"{count} times"


def _way(crossing: Crossing) -> str:
    if crossing.error is not None:
        return f"failed: {crossing.error}"
    if crossing.dropped is not None:
        return "dropped the message"
    return "did not finish" if crossing.output is None else "completed"
