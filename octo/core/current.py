"""The message that the running task works on. The log reads it here, because its callers do not pass it."""

from __future__ import annotations

from contextvars import ContextVar

from octo.core.message import Message

message: ContextVar[Message | None] = ContextVar("octo.message", default=None)
"""Set by the engine while a flow runs."""
