"""MCP client: the tools, resources and prompts of a server, for agents and for flows.

The list of tools is kept as the server says, and fetched again when it has changed. What a server says is data from
outside: its names and descriptions are cleaned and bounded, and `tools` says which of its tools can be used at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

from octo.ai.conversation import Tool
from octo.ai.mcp.client import codes
from octo.ai.mcp.client.codes import EXPLANATIONS
from octo.ai.mcp.client.questions import Question
from octo.ai.mcp.client.results import Result
from octo.ai.mcp.client.settings import Call, Prompt, Read, Server
from octo.ai.mcp.client.stub import Desk, Stub
from octo.ai.mcp.client.tools import Listing
from octo.ai.tools import FAMILY, Answered, Offer, Server as ToolServer
from octo.core.block import Block, block
from octo.core.connector import connector
from octo.core.errors import OctoError, Permanent
from octo.core.flow import Outcome
from octo.core.message import Message
from octo.core.powers import Healthy
from octo.core.trace import effect, span_headers

if TYPE_CHECKING:
    from octo.ai.mcp.client.link import Link

__all__ = ["EXPLANATIONS", "McpClient"]

_MENDED = (codes.BAD_ARGUMENTS, codes.NO_TOOL, codes.BROKEN, codes.TOO_LARGE, codes.INPUT_REQUIRED, codes.BAD_RESULT)
"""Codes of errors that a model may mend, by other arguments or another tool."""


@connector("mcp-client", family=FAMILY)
class McpClient:
    def __init__(self, settings: Server, link: Link | Desk) -> None:
        self._settings = settings
        self._link = link

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Server) -> AsyncIterator[Self]:
        """Connect to the server. Raises `NotConnected` if it is away."""
        try:
            module = await asyncio.to_thread(import_module, "octo.ai.mcp.client.link")  # the SDK takes its time
        except ModuleNotFoundError as error:
            raise Permanent(f"MCP needs its SDK: pip install 'octo-flows[mcp]' ({error.name} is missing)") from None
        async with module.opened(settings) as link:
            yield cls(settings, link)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Server, stub: Stub) -> AsyncIterator[Self]:
        """Yield a server of the test alone."""
        yield cls(settings, Desk(settings, stub))

    async def health(self) -> None:
        """Raise `Disconnected` if the session has ended."""
        self._link.check()

    # --- for agents ------------------------------------------------------------------------------------------------

    async def tools(self) -> Sequence[Offer]:
        """The tools that can be used now, as a model is told of them."""
        listing = await self._link.listing()
        return [Offer(Tool(each.name, each.description, each.schema), each.needs_approval) for each in listing.tools]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Answered:
        """Call a tool for a model. What it can mend is an answer with `is_error`."""
        try:
            result = await self._called(name, arguments)
            return result.answer(self._settings.max_result_bytes)
        except Permanent as error:
            if error.code not in _MENDED:
                raise
            return Answered(str(error), is_error=True)

    async def _called(self, name: str, arguments: Mapping[str, Any]) -> Result:
        tool = (await self._link.listing()).find(name, self._settings.place)
        dialogue = self._link.dialogue(tool, tool.verified(arguments))
        found = await self._seen(tool.original, dialogue.next())
        assert isinstance(found, Result)  # nobody answers questions, so they are an error
        return found

    # --- blocks ----------------------------------------------------------------------------------------------------

    @block("mcp-call", guarantee="answered", steps=("send", "confirm"))
    def call_tool(self, settings: Call, message: Message) -> Block[Outcome]:
        """Call a tool; its result becomes the body.

        A structured result is a value; else the body is the text, or a list of the result's parts if it has others. The
        arguments are checked before the call. When the flow's deadline passes, the call is cancelled, and the server is
        told.
        """
        arguments = {} if settings.arguments is None else settings.arguments(message)
        if not isinstance(arguments, dict):
            raise Permanent("`arguments` is no map", code=codes.BAD_ARGUMENTS)
        listing: Listing = yield self._link.listing()
        tool = listing.find(settings.tool, self._settings.place)
        given = tool.verified(arguments)
        is_answered = settings.on_input is not None
        dialogue = self._link.dialogue(
            tool, given, is_answered=is_answered, meta=span_headers(message), patience=settings.patience
        )
        if settings.answers is not None:
            answers = settings.answers(message)
            state = None if settings.request_state is None else settings.request_state(message)
            dialogue.resume(answers if isinstance(answers, dict) else {}, state)
        try:
            found: Result | Sequence[Question] = yield self._seen(tool.original, dialogue.next())
            while not isinstance(found, Result):
                assert settings.on_input is not None
                outcome: Outcome = yield settings.on_input(message.with_body([each.as_json() for each in found]))
                if not isinstance(outcome, Message):
                    return outcome
                dialogue.answer(outcome.body)
                found = yield self._seen(tool.original, dialogue.next())
        finally:
            dialogue.close()
        return _told(settings, message, found.within(self._settings.max_result_bytes, tool.original), tool.original)

    @block("mcp-read", guarantee="answered", steps=("send", "confirm"), idempotent="always")
    async def read(self, settings: Read, message: Message) -> Message:
        """Read a resource; it becomes the body.

        A text is a text, anything else bytes. A resource of several parts is a list of them, each with its `uri`.
        """
        found = await self._link.read(settings.uri(message))
        return message.with_var(settings.as_, found) if settings.as_ else message.with_body(found)

    @block("mcp-prompt", guarantee="answered", steps=("send", "confirm"), idempotent="always")
    async def prompt(self, settings: Prompt, message: Message) -> Message:
        """Fill in a prompt of the server; its messages become the body, a list of `role` and `text`."""
        arguments = {name: each(message) for name, each in settings.arguments.items()}
        found = await self._link.prompt(settings.prompt, arguments)
        return message.with_var(settings.as_, found) if settings.as_ else message.with_body(found)

    async def _seen(self, tool: str, waiting: Any) -> Any:
        """Wait for a call, and have it in the trace."""
        began = perf_counter()
        outcome = "failed"
        try:
            found = await waiting
        except OctoError as error:
            outcome = error.code
            raise
        else:
            outcome = ("error" if found.is_error else "ok") if isinstance(found, Result) else "questions"
            return found
        finally:
            seconds = round(perf_counter() - began, 6)
            effect("mcp", server=self._settings.place, tool=tool, outcome=outcome, seconds=seconds)


def _told(settings: Call, message: Message, result: Result, tool: str) -> Message:
    if result.is_error and settings.fail_on_error:
        raise result.failure(tool)
    if not settings.fail_on_error:
        message = message.with_var("isError", result.is_error)
    return message.with_var(settings.as_, result.value) if settings.as_ else message.with_body(result.value)


_: type[Healthy] = McpClient
_tools: type[ToolServer] = McpClient
