"""handle-errors: try, and recover."""

from __future__ import annotations

from typing import Annotated

from octo.core.block import Block, Site, block
from octo.core.flow import Failure, Outcome
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import Always, Handler, Steps
from octo.core.state import State


class HandleErrors(Settings):
    process: Annotated[Steps, Always()]
    """The chain to try."""
    error: Annotated[Steps, Handler()]
    """Runs when `process` fails, with `vars.error` (`message`, `flow`, `block`, `code`, `type`, `status`, `path`,
    `retryable`). The flow continues with its result."""
    rollback: bool = False
    """Whether `error` gets the message as it came into this block. By default it gets the message as the failing chain
    had changed it so far, with variables such as `vars.statusCode`."""

    def shape_after(self, before: State) -> State:
        recovered = before.failed(rollback=self.rollback).chain(self.error)
        return before.chain(self.process).either(recovered)


@block("handle-errors")
def handle_errors(settings: HandleErrors, message: Message, site: Site) -> Block[Outcome]:
    """Run a chain; if it fails, run another one and continue with its result.

    A message that is cancelled, by a deadline or a stop, is not recovered.
    """
    try:
        outcome: Outcome = yield settings.process(message)
    except Failure as failure:
        first = failure
        if settings.rollback:
            failure.message = message
        recovery = failure.recovery("" if site.label == "handle-errors" else site.label)
    else:
        return outcome
    try:
        outcome = yield settings.error(recovery)
    except Failure as failure:
        raise failure.inside("scope alternative").after(first) from first
    return outcome
