"""fork: run several chains on the same message at once."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field

from octo.core.block import Block, Site, block, driven
from octo.core.flow import Failure, Outcome, Stop
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import Always, Steps
from octo.core.state import State


class Fork(Settings):
    branches: Annotated[list[Annotated[Steps, Always()]], Field(min_length=1)]
    """The branches: `- name: audit` with `process: [...]`. Each gets the incoming message."""

    def shape_after(self, before: State) -> State:
        for branch in self.branches:
            before.chain(branch)
        return before


@block("fork")
def fork(settings: Fork, message: Message, site: Site) -> Block[Outcome]:
    """Run all branches on the message at once, wait for them, and pass the message on unchanged.

    The first branch that fails cancels the others, and the block fails. A branch that drops the message simply ends.
    If a branch stops with an answer, the flow ends with it once all branches have ended.
    The flow's `pool` limits how many run at once; the others wait for their turn, however deep forks are nested.
    """
    calls = [partial(_run, branch, index, message) for index, branch in enumerate(settings.branches)]
    try:
        gathered = site.pool.gather(calls)
        outcomes: list[Outcome] = gathered if isinstance(gathered, list) else (yield gathered)
    except Failure as failure:
        failure.message = message
        raise
    return next((each for each in outcomes if isinstance(each, Stop)), message)


def _branch(branch: Steps, index: int, message: Message) -> Block[Outcome]:
    try:
        outcome: Outcome = yield branch(message)
    except Failure as failure:
        raise failure.inside(f'fork branch "{branch.name or index}"')  # noqa: B904  the same failure goes on
    return outcome


_run = driven(_branch)
