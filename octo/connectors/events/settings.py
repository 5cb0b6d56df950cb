"""The settings of an `events` connector, its source and `publish-event`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from octo.core.errors import Permanent
from octo.core.expressions import Expr
from octo.core.promise import Promise
from octo.core.settings import Advanced, Settings
from octo.core.state import State
from octo.services import limits

SYSTEM = "system:"
"""Subjects that begin so belong to the platform: flows may publish to them, and not subscribe."""


LISTENING = Promise("at most once", ("flow",))
DURABLE = Promise("at least once", ("flow", "commit"), "with `durable`")


class Nothing(Settings):
    pass


class Subscribe(Settings):
    subject: str = Field(min_length=1, examples=["orders.paid"])
    """The subject, exactly as it is published; there are no wildcards. Every subscriber gets every event."""
    listeners: Annotated[int, Field(ge=1)] = 8
    """At most so many events of this source are under way at once; 1 keeps them in order. The flow's `workers` are a
    limit, too."""
    durable: str = ""
    """A name under which this subscriber is remembered: it gets what was published while it was away, and every event
    at least once. Of all processes only one reads for a name at a time. Without a name, events that come while no flow
    listens are missed."""
    max_attempts: Annotated[int, Field(ge=1), Advanced] = 5
    """With `durable`: how often an event is tried if it fails for a reason that may pass. Then it is logged and left
    behind, as is one that would fail again at once."""

    def promises(self) -> Promise:
        return DURABLE if self.durable else LISTENING

    @field_validator("subject")
    @classmethod
    def _is_no_system_subject(cls, subject: str) -> str:
        if subject.startswith(SYSTEM):
            raise PydanticCustomError(
                "subject",
                "subjects that begin with `system:` belong to the platform: a flow may publish to them, "
                "and not subscribe to them",
            )
        return _named(subject, "subject")

    @field_validator("durable")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        return _named(name, "subscriber name") if name else name


def _named(text: str, what: str) -> str:
    try:
        return limits.name(text, what)
    except Permanent as error:
        raise PydanticCustomError("name", "{reason}", {"reason": str(error)}) from None


class Publish(Settings):
    subject: Expr[str]
    """The subject, e.g. `"orders." + body.state`."""
    value: Expr[object] | None = None
    """The body of the event, at most 1 MiB. Default: the body."""

    def shape_after(self, before: State) -> State:
        before.of(self.subject)
        before.of(self.value)
        return before
