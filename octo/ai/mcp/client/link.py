"""What an open connector does with its session: tools, calls, resources and prompts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import mcp_types as types

from octo.ai.mcp.client import session as sessions
from octo.ai.mcp.client.dialogue import Dialogue
from octo.ai.mcp.client.results import contents, spoken
from octo.ai.mcp.client.session import Session
from octo.ai.mcp.client.settings import Server
from octo.ai.mcp.client.tools import Listing, Tool

NOTHING: Mapping[str, str] = MappingProxyType({})


class Link:
    """An open connection."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._most = session.settings.max_result_bytes

    def check(self) -> None:
        """Raise `Disconnected` if the connection is gone."""
        self._session.check()

    async def listing(self) -> Listing:
        """The tools that can be used, as far as is known."""
        self._session.check()
        return await self._session.shelf.listing()

    def dialogue(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        *,
        is_answered: bool = False,
        meta: Mapping[str, str] = NOTHING,
        patience: float | None = None,
    ) -> Dialogue:
        """A call of a tool. meta: what goes with it. patience: seconds, if not those of the connector."""
        return Dialogue(self._session, tool, arguments, is_answered=is_answered, meta=meta, patience=patience)

    async def read(self, uri: str) -> object:
        """The value of a resource."""
        params = types.ReadResourceRequestParams(uri=uri)
        request = types.ReadResourceRequest(params=params)
        found = await self._session.send(f"the resource {uri!r}", request, types.ReadResourceResult)
        parts = [each.model_dump(by_alias=True, mode="json", exclude_none=True) for each in found.contents]
        return contents(parts, self._most, uri)

    async def prompt(self, name: str, arguments: Mapping[str, str]) -> Sequence[Mapping[str, object]]:
        """The messages of a prompt."""
        params = types.GetPromptRequestParams(name=name, arguments=dict(arguments))
        request = types.GetPromptRequest(params=params)
        found = await self._session.send(f"the prompt {name!r}", request, types.GetPromptResult)
        parts = [each.model_dump(by_alias=True, mode="json", exclude_none=True) for each in found.messages]
        return spoken(parts, self._most, name)


@asynccontextmanager
async def opened(settings: Server) -> AsyncIterator[Link]:
    """Connect to the server; leaving closes the connection."""
    async with sessions.opened(settings) as session:
        yield Link(session)
