"""flow-ref: call another flow, or send it the message without waiting."""

from __future__ import annotations

from octo.core.block import Block, Site, block
from octo.core.flow import Drop, Failure, Outcome, Stop, ending
from octo.core.message import Message
from octo.core.occurrence import called
from octo.core.settings import Settings
from octo.core.sockets import FlowRef
from octo.core.state import State


class FlowRefSettings(Settings):
    flow: FlowRef
    """Name of the flow to call."""
    one_way: bool = False
    """Do not wait for the flow: send it the message and go on unchanged. If it fails, this flow does not."""

    def shape_after(self, before: State) -> State:
        return before if self.one_way else before.call(self.flow)


@block("flow-ref")
def flow_ref(settings: FlowRefSettings, message: Message, site: Site) -> Block[Outcome]:
    """Run another flow on the message.

    The resulting body replaces the body, and the resulting variables are merged over the variables. If the other flow
    drops the message, the message goes on unchanged; if it fails, this block fails; if it stops with an answer, this
    flow does, too. The other flow gets the same content with a new event id.
    """
    if settings.one_way:
        yield settings.flow.send(message.rekeyed())
        return message
    try:
        outcome: Outcome = yield called(settings.flow.call, message.rekeyed(), message, site.address)
    except Failure as failure:
        raise failure.isolated(f'flow-ref "{settings.flow.name}"', message)  # noqa: B904  the same failure goes on
    end = ending(outcome)
    if isinstance(end, Drop):
        return message
    answer = message.with_body(end.body, raw=end.raw).with_vars({**message.vars, **end.vars})
    return Stop(answer) if isinstance(outcome, Stop) else answer
