"""The settings of a `queue` connector, its source and `queue-dispatch`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from octo.core.durations import Duration, OrZero
from octo.core.expressions import Expr
from octo.core.promise import Promise
from octo.core.settings import Advanced, Effect, Settings
from octo.core.state import State

TIMEOUT = timedelta(seconds=30)
SENT = Promise("at least once", ("send", "confirm"), idempotent="with a key")
ASKED = Promise("answered", ("send", "confirm", "reply"), "with `awaitReply`", "never")


class Nothing(Settings):
    pass


class Consume(Settings):
    subject: str = Field(min_length=1, examples=["work.jobs"])
    """Name of the queue. Many consumers of one name share its messages, each goes to one of them."""
    listeners: Annotated[int, Field(ge=1)] = 8
    """At most so many messages of this source are under way at once. The flow's `workers` are a limit, too. With one
    listener, messages that are tried again, or were with a killed process, come after later ones; an `orderingKey` of
    `queue-dispatch` keeps the order with any number of listeners."""
    timeout: Annotated[Duration, OrZero] = TIMEOUT
    """How long the flow may take for one message; then it is cancelled, and the message is tried again. 0 means the
    default."""
    max_attempts: Annotated[int, Field(ge=1)] = 5
    """A message that fails at this attempt, for a reason that may pass, is among the dead letters. One that would fail
    again is at once."""
    lease: Annotated[Duration, Advanced] = timedelta(seconds=30)
    """How soon another process takes over a message when this one has gone. It is renewed while the flow works."""


class Dispatch(Settings):
    subject: Expr[str]
    """Name of the queue, e.g. `"jobs." + vars.region`."""
    await_reply: bool = False
    """Whether to wait for the flow that takes the message. Its body replaces the body, its variables are merged over
    the variables, and its error fails this block. Otherwise the message passes through unchanged as soon as the queue
    has it."""
    timeout: Annotated[Duration, OrZero] = TIMEOUT
    """How long to wait for the reply; 0 means the default. The message stays in the queue all the same."""
    delay: Annotated[Duration, Advanced] = timedelta()
    """How long the message waits in the queue at least. Not with `awaitReply`."""
    key: Annotated[Expr[str] | None, Advanced] = None
    """A second message with this key is not added, for two minutes; e.g. `eventID`. Not with `awaitReply`. Default: the
    key of the step in a flow with `durability: journal`, else none."""
    ordering_key: Annotated[Expr[str] | None, Advanced] = None
    """Messages with the same ordering key are handled one after the other, in the order in which they were sent, also
    when one is tried again or a process is killed; e.g. `body.orderID`, or `'"all"'` for the whole queue. A dead letter
    holds up nothing, and an empty key is none. Not with `awaitReply` or `delay`."""

    @model_validator(mode="after")
    def _fit_together(self) -> Dispatch:
        if self.ordering_key is not None and (self.await_reply or self.delay):
            raise PydanticCustomError(
                "ordering",
                "`orderingKey` does not go together with `{other}`: who waits, and what is delayed, has no place in an "
                "order",
                {"other": "awaitReply" if self.await_reply else "delay"},
            )
        return self

    def promises(self) -> Promise:
        return ASKED if self.await_reply else SENT

    @property
    def effect(self) -> Effect:
        """With a key a second message is not added."""
        return "once" if self.key is None or self.await_reply else "idempotent"

    def shape_after(self, before: State) -> State:
        before.of(self.subject)
        before.of(self.key)
        before.of(self.ordering_key)
        return before.unknown() if self.await_reply else before
