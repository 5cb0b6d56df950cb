"""Telling: the events of a run, for the flow that the agent stands in and for whoever reads its partial results."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from octo.ai import pieces
from octo.ai.agent.settings import AgentSettings, EventType
from octo.ai.conversation import Piece
from octo.core.errors import OctoError
from octo.core.flow import Failure
from octo.core.message import Message
from octo.core.partial import is_streaming, partial


class Telling:
    """Runs the chain of events, one event after the other.

    message: returns the message of the agent as it is now; the chain gets its variables.
    """

    def __init__(self, settings: AgentSettings, message: Callable[[], Message]) -> None:
        self._chain = settings.events
        self._wanted = None if settings.emit is None else frozenset(settings.emit)
        self._message = message
        self._turn = asyncio.Lock()
        self.iteration = 0
        self.hears_pieces = settings.stream or is_streaming()
        self.written = ""

    async def tell(self, kind: EventType, **more: Any) -> None:
        """Tell of an event. Raises `Left` if the chain stops; its errors are only logged."""
        event = {"type": kind, "iteration": self.iteration, **more}
        await partial(event)
        if self._chain is None or (self._wanted is not None and kind not in self._wanted):
            return
        async with self._turn:
            await pieces.tell(self._chain, self._message().with_body(event))

    async def piece(self, piece: Piece) -> None:
        """Tell of a part of a reply; `written` is the text so far."""
        if piece.kind == "text":
            self.written += piece.text
        if piece.kind == "tool_input":
            await self.tell("tool_input", text=piece.text, tool=piece.tool, toolCallId=piece.id)
        else:
            await self.tell(piece.kind, text=piece.text)

    async def error(self, error: Exception) -> None:
        """Tell that the run has failed, as far as a listener may know."""
        cause = error.cause if isinstance(error, Failure) else error
        code = cause.code if isinstance(cause, OctoError) else "OCTO-R190"
        await self.tell("error", code=code, message=str(cause) if isinstance(cause, OctoError) else "the agent failed")
