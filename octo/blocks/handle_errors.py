"""handle-errors: try, and recover."""

from __future__ import annotations

from octo.core.block import Block, Site, block
from octo.core.flow import Failure, Outcome
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import Steps
from octo.core.state import State


class HandleErrors(Settings):
    process: Steps
    """What is tried."""
    error: Steps
    """Runs when it fails. Sees `vars.error` (`message`, `flow`, `block`, `code`, `type`, `status`, `path`,
    `retryable`); what it answers continues the flow."""
    rollback: bool = False
    """Recover on the message as it came into this block. By default the recovery sees what the failing chain had done
    so far, such as `vars.statusCode`."""

    def shape_after(self, before: State) -> State:
        recovered = before.failed(rollback=self.rollback).chain(self.error)
        return before.chain(self.process).either(recovered)


@block("handle-errors")
def handle_errors(settings: HandleErrors, message: Message, site: Site) -> Block[Outcome]:
    """Run a chain; if it fails, run another one and continue with its result.

    Cancellation, be it by a deadline or by a stop, is not an error to recover from.
    """
    try:
        outcome: Outcome = yield settings.process(message)
    except Failure as failure:
        if settings.rollback:
            failure.message = message
        recovery = failure.recovery("" if site.label == "handle-errors" else site.label)
    else:
        return outcome
    try:
        outcome = yield settings.error(recovery)
    except Failure as failure:
        raise failure.inside("scope alternative")  # noqa: B904  the same failure goes on
    return outcome
