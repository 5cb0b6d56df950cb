"""The message: what flows through blocks.

Invariant: a message and everything in it is a value. No code changes a body, a variable's value or the mapping
itself; blocks return a new message that shares what stayed the same. So a clone is free, a fork costs nothing, and
the error path sees the message as it was when the block failed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from octo.core import record

NO_VARS: Mapping[str, object] = {}


FAMILY = 20
"""Characters that the event ids of one family share: a message, and all that are made of it for called flows."""

_random = random.Random()  # noqa: S311  ids tell messages apart, they are no secret; the OS's generator is 20x slower
if hasattr(os, "register_at_fork"):  # else a process and its forks would give the same ids to different messages
    os.register_at_fork(after_in_child=_random.seed)


def new_id() -> str:
    """16 random bytes as 32 hexadecimal characters."""
    return f"{_random.getrandbits(128):032x}"


class Message:
    """A body with variables and two identities.

    body: any value: JSON (`None`, bool, int, float, str, list, dict), bytes, or a timestamp or duration of CEL. When
        `raw` is true it is `{"contentType": str, "rawData": str | bytes}` and is written to the outside verbatim.
    vars: name to value.
    event_id: identifies this message within one flow; when it enters another flow it gets a new id of its `FAMILY`.
    correlation_id: given by the source, survives every hop; "" when there is none.
    traceparent: the span it came from, as W3C Trace Context writes it, and on a second line its `tracestate` if it has
        one; "" when the sender gave none.
    """

    __slots__ = ("body", "correlation_id", "event_id", "raw", "traceparent", "vars")

    def __init__(
        self,
        body: object = None,
        vars: Mapping[str, object] = NO_VARS,  # noqa: A002  the language's own word
        event_id: str = "",
        correlation_id: str = "",
        raw: bool = False,
        traceparent: str = "",
    ) -> None:
        self.body = body
        self.vars = vars
        self.event_id = event_id or f"{_random.getrandbits(128):032x}"
        self.correlation_id = correlation_id
        self.raw = raw
        self.traceparent = traceparent

    def with_body(self, body: object, *, raw: bool = False) -> Message:
        return Message(body, self.vars, self.event_id, self.correlation_id, raw, self.traceparent)

    def with_vars(self, vars: Mapping[str, object]) -> Message:  # noqa: A002
        """The same message with exactly these variables."""
        return Message(self.body, vars, self.event_id, self.correlation_id, self.raw, self.traceparent)

    def with_var(self, name: str, value: object) -> Message:
        variables = {**self.vars, name: value}
        return Message(self.body, variables, self.event_id, self.correlation_id, self.raw, self.traceparent)

    def rekeyed(self, part: str = "") -> Message:
        """The same content under a new event id, as it enters another flow.

        part: which part of this message it is, so that it has the same id whenever this one comes again.
        """
        rest = f"{_random.getrandbits(48):012x}"
        if part:
            rest = sha256(f"{self.event_id}\0{part}".encode()).hexdigest()[:12]
        event_id = self.event_id[:FAMILY] + rest
        return Message(self.body, self.vars, event_id, self.correlation_id, self.raw, self.traceparent)

    def is_kin(self, event_id: str) -> bool:
        """Whether this message and the one with that id came from the same message, on their way through flows."""
        return self.event_id[:FAMILY] == event_id[:FAMILY]

    def to_record(self) -> dict[str, Any]:
        """The whole message as a JSON value, without loss: what is stored of it. See `octo.core.record`."""
        return record.write(self.event_id, self.correlation_id, self.traceparent, self.raw, self.vars, self.body)

    @staticmethod
    def from_record(value: object) -> Message:
        """The message that was recorded, by this version of Octo or an earlier one."""
        return Message(**record.read(value))

    def as_json(self) -> dict[str, object]:
        """The envelope that `octo invoke --message` prints; empty parts are left out."""
        envelope: dict[str, object] = {"event_id": self.event_id}
        if self.correlation_id:
            envelope["correlation_id"] = self.correlation_id
        if self.vars:
            envelope["variables"] = dict(self.vars)
        if self.body is not None:
            envelope["body"] = self.body
        return envelope

    def __repr__(self) -> str:
        # Invariant: no content in a repr. Reprs end up in logs, contents may be secret.
        return f"<Message {self.event_id}>"
