"""The message that the running task works on, for whoever must know without being told: the log."""

from __future__ import annotations

from contextvars import ContextVar

from octo.core.message import Message

message: ContextVar[Message | None] = ContextVar("octo.message", default=None)
"""Set by the engine while a flow runs."""
