"""Models, agents and MCP: connectors and blocks that ask a language model, or offer flows to one.

This module is a door for authors, beside `octo` itself: of connectors of models (`family="llm"`: a `Caller` over a
`Wire` of theirs) and of servers of tools for agents (`family="tools"`: a `Server`), and of blocks that ask a model.
What is not named here may change without notice.

What models need is imported when a connector starts, so that flows without models pay nothing for it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "octo.ai": "details, quoted",
    "octo.ai.answer": "Unusable, fitting, whole",
    "octo.ai.conversation": (
        "Ask, Assistant, Attachment, Piece, Reply, Results, StopReason, Tool, ToolCall, ToolResult, Turn, Usage, User"
    ),
    "octo.ai.llm.caller": "Caller",
    "octo.ai.llm.settings": "Provider",
    "octo.ai.model": "Embedded, Hear, Model, Wire",
    "octo.ai.script.settings": "Script",
    "octo.ai.script.stub": "scripted",
    "octo.ai.settings": "Asking, Spending",
    "octo.ai.tools": "Answered, Offer, Server",
    "octo.core.budget": "BudgetExceeded, Meter",
    "octo.core.spending": "spending",
}
"""What is behind the door, by module."""

_HOME = {name: module for module, names in _HOMES.items() for name in names.split(", ")}

__all__ = [*_HOME]  # noqa: PLE0604  a literal list would say everything twice

if TYPE_CHECKING:
    from octo.ai import details as details, quoted as quoted
    from octo.ai.answer import Unusable as Unusable, fitting as fitting, whole as whole
    from octo.ai.conversation import (
        Ask as Ask,
        Assistant as Assistant,
        Attachment as Attachment,
        Piece as Piece,
        Reply as Reply,
        Results as Results,
        StopReason as StopReason,
        Tool as Tool,
        ToolCall as ToolCall,
        ToolResult as ToolResult,
        Turn as Turn,
        Usage as Usage,
        User as User,
    )
    from octo.ai.llm.caller import Caller as Caller
    from octo.ai.llm.settings import Provider as Provider
    from octo.ai.model import Embedded as Embedded, Hear as Hear, Model as Model, Wire as Wire
    from octo.ai.script.settings import Script as Script
    from octo.ai.script.stub import scripted as scripted
    from octo.ai.settings import Asking as Asking, Spending as Spending
    from octo.ai.tools import Answered as Answered, Offer as Offer, Server as Server
    from octo.core.budget import BudgetExceeded as BudgetExceeded, Meter as Meter
    from octo.core.spending import spending as spending


def __getattr__(name: str) -> Any:
    """Import on first use: flows without models pay nothing for them."""
    if name not in _HOME:
        raise AttributeError(f"module 'octo.ai' has no attribute {name!r}")
    home = _HOME[name]
    if home == __name__:
        return importlib.import_module(f"{home}.{name}")
    return getattr(importlib.import_module(home), name)
