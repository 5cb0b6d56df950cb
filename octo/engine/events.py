"""The event bus: `started`, then exactly one of `completed`, `dropped` and `failed` for each message of each flow."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal, NamedTuple

from octo.core.clock import now_ns
from octo.core.flow import Drop, Outcome, ending
from octo.core.message import Message

log = logging.getLogger("octo.events")

Kind = Literal["started", "completed", "dropped", "failed"]


class FlowEvent(NamedTuple):
    """Something happened to a message.

    at: wall time in nanoseconds. duration: seconds since `started`, 0.0 for `started` itself.
    message: the input for `started`, `dropped` and `failed`, the output for `completed`.
    error: set for `failed` only; a cancellation is an error here too. reason: why a message was dropped.
    """

    kind: Kind
    flow: str
    event_id: str
    at: int
    message: Message
    duration: float = 0.0
    error: BaseException | None = None
    reason: str = ""


Handler = Callable[[FlowEvent], None]


class Bus:
    """Calls all subscribers synchronously; without any, publishing costs one test.

    A handler must not block. The error of a handler that raises is logged; the other handlers get the event.
    """

    def __init__(self) -> None:
        self._handlers: tuple[Handler, ...] = ()

    def subscribe(self, handler: Handler) -> Callable[[], None]:
        """Call `handler` for every event from now on; the function that is returned ends that."""
        self._handlers = (*self._handlers, handler)

        def unsubscribe() -> None:
            self._handlers = tuple(each for each in self._handlers if each is not handler)

        return unsubscribe

    def refused(self, flow: str) -> None:
        """Note a message that the flow had no room for. It never started, so there is no event."""

    def started(self, flow: str, message: Message) -> None:
        if self._handlers:
            self._publish(FlowEvent("started", flow, message.event_id, now_ns(), message))

    def ended(self, flow: str, message: Message, outcome: Outcome | BaseException, duration: float) -> None:
        """Publish the terminal event of `message`."""
        if not self._handlers:
            return
        now = now_ns()
        if isinstance(outcome, BaseException):
            event = FlowEvent("failed", flow, message.event_id, now, message, duration, error=outcome)
        elif isinstance(outcome, Drop):
            event = FlowEvent("dropped", flow, message.event_id, now, message, duration, reason=outcome.reason)
        else:
            event = FlowEvent("completed", flow, message.event_id, now, ending(outcome), duration)
        self._publish(event)

    def _publish(self, event: FlowEvent) -> None:
        for handler in self._handlers:
            try:
                handler(event)
            except Exception:
                log.exception("an event handler failed")
