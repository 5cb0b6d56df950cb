"""How requests to a model and its replies stand on a cassette."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from octo.ai.conversation import StopReason
from octo.ai.script.request import short
from octo.core.cassette import Format, Plain
from octo.core.settings import Settings

_IDS = re.compile(r"calls\[\d+\]\.id")


class RecordedAsk(Settings):
    """A request: a conversation, or texts to be embedded."""

    model: str
    """The model that is asked."""
    system: str = ""
    """What it is told to be."""
    messages: list[dict[str, object]] = Field(default_factory=list)
    """The conversation so far. Calls of tools have numbers in place of the provider's ids, and files a digest."""
    tools: list[dict[str, object]] = Field(default_factory=list)
    """The tools that it may call."""
    choice: str = "auto"
    """Which tools it shall call."""
    only: str = ""
    """The tool that it must call."""
    max_tokens: int | None = None
    """The tokens that it may use."""
    schema_: dict[str, object] | None = Field(default=None, alias="schema")
    """The schema of the JSON that is wanted."""
    texts: list[str] = Field(default_factory=list)
    """Texts to be embedded."""
    dimensions: int | None = None
    """The size of vectors that is wanted."""


class RecordedCall(Settings):
    """A call of a tool."""

    id: str
    """Its id."""
    tool: str
    """Name of the tool."""
    arguments: dict[str, object] | None = None
    """Its arguments."""
    raw: str = ""
    """What the model wrote where JSON was wanted."""


Line = Annotated[str, Field(pattern=r"^\s*-?[\d.e+-]+(\s+-?[\d.e+-]+)*\s*$")]


class RecordedReply(Settings):
    """A reply, or vectors."""

    text: str = ""
    """What the model says."""
    calls: list[RecordedCall] = Field(default_factory=list)
    """The tools that it asks to be called."""
    stop: StopReason = "end_turn"
    """Why it stops."""
    usage: dict[str, int] = Field(default_factory=dict)
    """What it has cost."""
    model: str = ""
    """The model, as it calls itself."""
    thinking: str = ""
    """What it thinks before."""
    origin: dict[str, object] | None = None
    """The provider's own form of the reply, for what must be sent back as it came."""
    vectors: list[Line] = Field(default_factory=list)
    """The vectors, each as numbers in a line."""


def label(request: Plain) -> str:
    """The model and the newest text."""
    texts = request.get("texts")
    if texts:
        return f"{request['model']}, {len(texts)} text{'s' if len(texts) > 1 else ''} to embed"
    said = [each.get("text", "") for each in request.get("messages") or [] if each.get("role") == "user"]
    turns = len(request.get("messages") or [])
    return f'{request["model"]}, "{short(str(said[-1])) if said else ""}" (turn {turns})'


def tells(path: str) -> bool:
    """Whether a change at this place of a reply means something."""
    return path.partition(".")[0].partition("[")[0] not in ("origin", "thinking") and not _IDS.fullmatch(path)


def doubt(reply: Plain) -> str:
    """Say so if the model has not answered."""
    stop = reply.get("stop", "")
    return f"stop {stop}" if stop in ("refusal", "content_filter", "max_tokens") else ""


FORM = Format(RecordedAsk, RecordedReply, label, tells, goes_on=True, doubt=doubt)
