"""The stub of a model in a test: what it replies, in order or by what it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from octo.ai.conversation import StopReason
from octo.ai.script.form import FORM
from octo.ai.script.request import short
from octo.core.cassette import Replayed
from octo.core.durations import Duration
from octo.core.expressions import Expr, Names
from octo.core.powers import Witnessing
from octo.core.settings import Settings
from octo.core.shown import shown

About = Annotated[Expr[bool], Names("request")]


class Called(Settings):
    """A call of a tool that the model asks for."""

    tool: str
    """Name of the tool."""
    arguments: dict[str, object] = Field(default_factory=dict)
    """Its arguments."""
    raw: str | None = None
    """Instead of `arguments`: what the model writes where JSON is wanted, e.g. `{"id": `."""
    id: str = ""
    """Id of the call. Default: one that no other call of this script has."""


class Spent(Settings):
    """What a reply has cost."""

    input_tokens: int = Field(default=0, ge=0)
    """Tokens of the request, cached ones included."""
    output_tokens: int = Field(default=0, ge=0)
    """Tokens of the reply."""
    cached_tokens: int = Field(default=0, ge=0)
    """Tokens of the request that the provider had kept."""


class Fault(Settings):
    """A status with which the provider refuses the call."""

    status: int = Field(ge=400, le=599)
    """The status: 429, 503 and 529 mean that it has no room."""
    message: str = "its script says so"
    """What the provider says."""
    retry_after: Duration | None = None
    """What it says in `Retry-After`."""


class Scripted(Settings):
    """A reply of the model, and the requests that get it."""

    when: About | None = None
    """A condition on `request`: its `text` (the newest of the user), `system`, `messages`, `turn` (how often the model
    has replied in this conversation), `results` (of the tools that it called last: `tool`, `content`, `json`,
    `isError`), `tools` (by name), `choice`, `only`, `schema`, `maxTokens` and `model`. E.g. `request.turn == 0`."""
    that: list[About] = Field(default_factory=list)
    """Conditions on the `request` that gets this reply. If one is false, the call fails, and the case with it."""
    text: str = ""
    """What the model says."""
    value: object = Field(default=None, alias="json")
    """What it says, as JSON."""
    thinking: str = ""
    """What it thinks before."""
    calls: list[Called] = Field(default_factory=list)
    """The tools that it asks to be called."""
    stop: StopReason | None = None
    """Why it stops. Default: `tool_use` with `calls`, else `end_turn`."""
    usage: Spent | None = None
    """What the reply has cost. Default: a quarter of the characters."""
    error: Literal["connect", "timeout", "broken"] | Fault | None = None
    """Fail instead: no connection, no reply in time, a stream that breaks after `text`, or a status."""
    delay: Duration = timedelta()
    """How long the reply takes. With `clock: virtual` the test does not really wait."""
    chunks: int | None = Field(default=None, ge=1)
    """In how many pieces the text is streamed. Default: word by word."""
    times: int | None = Field(default=None, ge=1)
    """How many requests get this reply. Default: one, and with `when` all that fit."""

    @model_validator(mode="after")
    def _one_outcome(self) -> Scripted:
        if self.has_json and self.text:
            raise _wrong("a reply has one text: write `text` or `json`")
        if self.error is not None:
            wrong = self.model_fields_set & {"value", "calls", "stop", "usage"}
            if wrong or (self.text and self.error != "broken"):
                named = "json" if "value" in wrong else next(iter(sorted(wrong)), "text")
                raise _wrong(f"with `error` there is no reply: remove `{named}`")
        if any(each.raw is not None and each.arguments for each in self.calls):
            raise _wrong("a call has `arguments` or `raw`, not both")
        return self

    @property
    def has_json(self) -> bool:
        return "value" in self.model_fields_set

    @property
    def label(self) -> str:
        """What it is, for messages."""
        if self.error is not None:
            return f"error {self.error if isinstance(self.error, str) else self.error.status}"
        if self.calls:
            return f"calls {', '.join(each.tool for each in self.calls)}"
        return short(shown(self.value) if self.has_json else shown(self.text))


class Script(Replayed):
    """What a model replies, in place of its provider, or a cassette of what it has replied. Limits, retries, prices and
    budgets of the connector are real.
    """

    form = FORM

    replies: list[Scripted] = Field(default_factory=list)
    """The replies. Those without `when` are given in their order, once each, and a test fails if one is left. The first
    that fits is given. They win over a cassette."""
    embeddings: Literal["hash"] | dict[str, list[float]] = "hash"
    """Vectors of texts: by text, or `hash`, which makes them of the words of any text: the same for the same text,
    near for texts with the same words."""
    dimensions: int = Field(default=64, ge=1, le=4096)
    """Numbers of a vector of `hash`, unless the block asks for another size."""

    _witness: Witnessing | None = PrivateAttr(default=None)

    def watch(self, witness: Witnessing) -> None:
        """Take complaints from what plays the script now."""
        self._witness = witness

    def complaints(self) -> Sequence[str]:
        """Return what was not as the script wants."""
        return () if self._witness is None else self._witness.complaints()


_: type[Witnessing] = Script


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("script", "{message}", {"message": message})
