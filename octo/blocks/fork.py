"""fork: run several chains on the same message at once, and perhaps join what they answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from octo.blocks.tried import tried
from octo.core.block import Block, Site, block, driven
from octo.core.errors import Permanent
from octo.core.flow import Drop, Failure, Outcome, Result, Stop
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import Always, Steps
from octo.core.state import State


class Fork(Settings):
    branches: Annotated[list[Annotated[Steps, Always()]], Field(min_length=1)]
    """The branches: `- name: audit` with `process: [...]`. Each gets the incoming message."""
    join: Literal["list", "map", "merge", "first"] | None = None
    """What becomes of the bodies that the branches end with. `list`: the body is the list of them, in the order of the
    branches. `map`: a map from the name of each branch to its body. `merge`: one map of the fields of all, which must
    be maps; of a field that several have, the last branch counts. `first`: the body of the first branch that succeeds;
    the others are cancelled. Without it the message passes on unchanged."""
    on_error: Literal["fail", "value"] = "fail"
    """With `join: list` or `map`: `fail` ends all at the first error; with `value` each branch gives
    `{ok: true, value: BODY}` or `{ok: false, error: {type, code, message, status, retryable, block}}`."""
    concurrency: Annotated[int, Field(ge=1)] | None = None
    """At most so many branches run at once; 1 runs them one after the other. The flow's `pool` is a limit, too."""

    @model_validator(mode="after")
    def _can_be_joined(self) -> Self:
        if self.on_error == "value" and self.join not in ("list", "map"):
            raise ValueError("`onError: value` needs `join: list` or `join: map`, which have a place for each branch")
        if self.join == "map":
            counts = Counter(branch.name for branch in self.branches)
            if counts[""]:
                raise ValueError("`join: map` needs a `name` for each branch")
            if twice := next((name for name, count in counts.items() if count > 1), None):
                raise ValueError(f"`join: map` needs a name of its own for each branch; two are named `{twice}`")
        return self

    def shape_after(self, before: State) -> State:
        first, *others = [before.chain(branch) for branch in self.branches]
        if self.join is None:
            return before
        body = first.either(*others).body.or_null()
        if self.join == "first":
            return before.with_body(body)
        return before.with_body(body.listed() if self.join == "list" and self.on_error == "fail" else None)


@block("fork")
def fork(settings: Fork, message: Message, site: Site) -> Block[Outcome]:
    """Run all branches on the message at once, wait for them, and pass the message on, or what `join` makes of them.

    The first branch that fails cancels the others, and the block fails, unless `onError` or `join: first` says
    otherwise. A branch that drops the message simply ends; in a join its body is null. If a branch stops with an
    answer, the flow ends with it once all branches have ended. Variables are always those that came in. The flow's
    `pool` limits how many branches run at once; the others wait for their turn, however deep forks are nested.
    """
    try:
        if settings.join == "first":
            return (yield from _first(settings, message, site))
        outcomes = yield from _gathered(settings, message, site)
    except Failure as failure:
        failure.message = message
        raise
    stop = next((each for each in outcomes if isinstance(each, Stop)), None)
    if stop is not None:
        return stop
    ends = [each for each in outcomes if isinstance(each, Message | Drop)]
    return message if settings.join is None else message.with_body(_JOINS[settings.join](settings.branches, ends))


def _gathered(settings: Fork, message: Message, site: Site) -> Block[list[Outcome]]:
    run = _run if settings.on_error == "fail" else _run_and_tell
    gathered = site.pool.gather(_calls(settings, message, run), settings.concurrency)
    return gathered if isinstance(gathered, list) else (yield gathered)


def _calls(
    settings: Fork, message: Message, run: Callable[[Steps, int, Message], Result]
) -> list[Callable[[], Result]]:
    return [partial(run, branch, index, message) for index, branch in enumerate(settings.branches)]


def _branch(branch: Steps, index: int, message: Message) -> Block[Outcome]:
    try:
        outcome: Outcome = yield branch(message)
    except Failure as failure:
        raise failure.inside(f'fork branch "{branch.name or index}"')  # noqa: B904  the same failure goes on
    return outcome


_run = driven(_branch)


def _run_and_tell(branch: Steps, _: int, message: Message) -> Result:
    return tried(branch, message)  # type: ignore[no-any-return]


# --- the first that succeeds -----------------------------------------------------------------------------------------


class _Won(Exception):
    """Raised out of the branch that has succeeded, so that the pool cancels the others."""

    def __init__(self, outcome: Message | Stop) -> None:
        self.outcome = outcome


def _first(settings: Fork, message: Message, site: Site) -> Block[Outcome]:
    lost: dict[int, Failure] = {}
    run = driven(partial(_raced, lost))
    try:
        gathered = site.pool.gather(_calls(settings, message, run), settings.concurrency)
        if not isinstance(gathered, list):
            yield gathered
    except _Won as won:
        lost.clear()  # their tracebacks refer to frames that refer to them
        outcome = won.outcome
        return outcome if isinstance(outcome, Stop) else message.with_body(outcome.body, raw=outcome.raw)
    if lost:
        raise lost[min(lost)].inside(f"none of {len(settings.branches)} branches succeeded")
    return message.with_body(None)


def _raced(lost: dict[int, Failure], branch: Steps, index: int, message: Message) -> Block[Outcome]:
    try:
        outcome = yield from _branch(branch, index, message)
    except Failure as failure:
        lost[index] = failure
        return Drop("it failed")
    if isinstance(outcome, Drop):
        return outcome
    raise _Won(outcome)


# --- joins -----------------------------------------------------------------------------------------------------------


def _listed(_: list[Steps], ends: list[Message | Drop]) -> object:
    return [None if isinstance(each, Drop) else each.body for each in ends]


def _mapped(branches: list[Steps], ends: list[Message | Drop]) -> object:
    return {
        branch.name: None if isinstance(each, Drop) else each.body for branch, each in zip(branches, ends, strict=True)
    }


def _merged(branches: list[Steps], ends: list[Message | Drop]) -> object:
    merged: dict[str, object] = {}
    for index, (branch, each) in enumerate(zip(branches, ends, strict=True)):
        if isinstance(each, Drop):
            continue
        if not isinstance(each.body, dict):
            found = "null" if each.body is None else type(each.body).__name__
            raise Permanent(
                f'fork branch "{branch.name or index}" ended with {found} as its body; `join: merge` needs a map'
            )
        merged |= each.body
    return merged


_JOINS: dict[str, Callable[[list[Steps], list[Message | Drop]], object]] = {
    "list": _listed,
    "map": _mapped,
    "merge": _merged,
}
