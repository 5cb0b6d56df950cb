"""A tap: delivers the next traces of a flow, sampled or not, without pausing anything."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from octo.core.log import fields
from octo.core.message import Message
from octo.trace.crossing import BEFORE, SITE, Trace
from octo.trace.encode import Encoded, encode

log = logging.getLogger("octo.trace")


class When(Protocol):
    """What a tap asks of a message: an expression, or something that stands for one."""

    @property
    def function(self) -> Callable[[Message], object]: ...


class Tap:
    """See the module; `Recorder.tap` creates it. Invariant: `left` never grows, and at 0 nothing is delivered."""

    def __init__(self, flow: str, when: When | None, take: int, deliver: Callable[[Encoded], None]) -> None:
        self.flow = flow
        self.left = take
        self._when = when
        self._deliver = deliver

    def offer(self, trace: Trace) -> bool:
        """Deliver the trace if it matches; return whether to offer more. A tap that fails is offered no more."""
        if self.left > 0 and self._matches(trace):
            self.left -= 1
            try:
                self._deliver(encode(trace))
            except Exception:
                log.exception("a tap could not take a trace and is removed", extra=fields(flow=self.flow))
                return False
        return self.left > 0

    def _matches(self, trace: Trace) -> bool:
        return any(
            each[SITE].flow == self.flow and self._is_wanted(each[BEFORE])
            for each in trace.crossings
            if each[SITE].step is None
        )

    def _is_wanted(self, message: Message) -> bool:
        try:
            return self._when is None or self._when.function(message) is True
        except Exception:  # noqa: BLE001  a tap must not fail the messages that it looks at
            return False
