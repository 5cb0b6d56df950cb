"""Tools that come from a connector, such as a server of MCP: what an agent needs of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, Protocol

from octo.ai.conversation import Attachment, Tool

FAMILY = "tools"
"""The family of connectors that offer tools: an agent names them under `mcp:`."""


def fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name of a tool fits one of the patterns, in which `*` stands for any text and `?` for one character."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


class Offer(NamedTuple):
    """A tool of a server.

    tool: its name is one that models accept, and unique among those of the server. Its description and schema come from
        outside, so they are data and no instructions. needs_approval: whether a person must allow each call of it.
    """

    tool: Tool
    needs_approval: bool = False


class Answered(NamedTuple):
    """What a tool answered. content: text, or JSON as text; bounded."""

    content: str
    is_error: bool = False
    attachments: tuple[Attachment, ...] = ()


class Server(Protocol):
    """A connector that offers tools."""

    async def tools(self) -> Sequence[Offer]:
        """Return the tools that may be called. It is asked before each call of a model, so it answers from memory.

        Raises `Transient` or `Disconnected` if it has never had a list.
        """
        ...

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Answered:
        """Call a tool by the name that was offered. What it complains of is an answer with `is_error`.

        Raises `Disconnected`, `Timeout` or `Transient` if the call did not reach it, or if it did not answer.
        """
        ...
