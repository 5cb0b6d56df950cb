"""The stub of a server in a test: tools, and results by tool and arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from octo.ai.mcp.client import codes
from octo.ai.mcp.client.questions import InputRequired, Question, accepted
from octo.ai.mcp.client.results import Result
from octo.ai.mcp.client.settings import Server
from octo.ai.mcp.client.tools import Listing, Tool, listing
from octo.core import codec
from octo.core.bounded import bounded
from octo.core.errors import Permanent, Timeout, Transient
from octo.core.expressions import Expr, Names
from octo.core.misfit import Misfit, advice
from octo.core.settings import Settings
from octo.expr import ExprError


class StubTool(Settings):
    """A tool that the stub's server has."""

    name: str = Field(min_length=1)
    """Its name."""
    description: str = ""
    """What it says of itself."""
    input: dict[str, Any] = Field(default_factory=lambda: {"type": "object"})
    """JSON Schema of its arguments. Default: any."""


class StubQuestion(Settings):
    """A question that a tool asks before it has a result."""

    name: str = Field(min_length=1)
    """Its name."""
    message: str = ""
    """What it asks."""
    answer_schema: dict[str, Any] | None = Field(default=None, alias="schema")
    """JSON Schema of the answer. Default: any map."""


class StubResult(Settings):
    """A result, and the calls that get it."""

    tool: str = "*"
    """The tool that is called. Default: any."""
    arguments: dict[str, object] | None = None
    """The arguments of the call, all of them. Default: any."""
    when: Annotated[Expr[bool], Names("arguments")] | None = None
    """A condition on `arguments`, e.g. `arguments.city == "Rome"`."""
    text: str | None = None
    """The text of the result."""
    value: object = None
    """The structured value of the result."""
    content: list[dict[str, object]] = Field(default_factory=list)
    """Other parts of the result, as MCP writes them: `{type: image, mimeType: image/png, data: ...}`."""
    is_error: bool = False
    """Whether the tool reports an error."""
    questions: list[StubQuestion] = Field(default_factory=list)
    """What the tool asks first. Whatever the answers are, the result follows."""
    error: Literal["away", "timeout"] | None = None
    """Fail instead: the server is gone, or does not answer in time (without a wait)."""
    times: int | None = Field(default=None, ge=1)
    """How many calls get this result; later ones get the next that fits. Default: all."""

    @model_validator(mode="after")
    def _has_one_outcome(self) -> Self:
        given = {"text", "value", "content", "is_error", "questions"} & self.model_fields_set
        if self.error is not None and given:
            raise PydanticCustomError("stub", "with `error` there is no result: remove the rest")
        return self

    @property
    def result(self) -> Result:
        parts: list[Mapping[str, Any]] = [] if self.text is None else [{"type": "text", "text": self.text}]
        if "value" in self.model_fields_set:
            return Result([*parts, *self.content], self.value, self.is_error)
        return Result([*parts, *self.content], is_error=self.is_error)


class StubResource(Settings):
    """A resource that the stub's server has."""

    uri: str
    """Its address."""
    text: str | bytes = ""
    """What it holds: a text, or bytes (`!!binary`)."""


class StubPrompt(Settings):
    """A prompt that the stub's server has. Arguments are not filled in."""

    name: str
    """Its name."""
    text: str = ""
    """What it says, as the user."""


class Stub(Settings):
    """Tools and results in place of a server. `tools` and `approval` of the connector, the check of arguments, and
    `maxResultBytes` are real; nothing leaves the process.
    """

    tools: list[StubTool] = Field(default_factory=list)
    """The tools of the server. Those that `results` name are added, with any arguments."""
    results: list[StubResult] = Field(default_factory=list)
    """The results, in order: the first that fits a call is given."""
    resources: list[StubResource] = Field(default_factory=list)
    """The resources that can be read."""
    prompts: list[StubPrompt] = Field(default_factory=list)
    """The prompts that can be filled in."""


class Desk:
    """What stands in for a session: it has the same verbs."""

    def __init__(self, settings: Server, stub: Stub) -> None:
        self._settings = settings
        self._stub = stub
        self._given: Counter[int] = Counter()
        named = [(each.name, each.description, each.input, None) for each in stub.tools]
        known = {each.name for each in stub.tools} | {"*"}
        others = dict.fromkeys(each.tool for each in stub.results if each.tool not in known)
        found = [*named, *((name, "", {"type": "object"}, None) for name in others)]
        self._listing = listing(found, settings.tools, settings.approval, settings.place)

    def check(self) -> None:
        """Do nothing: a stub is always there."""

    async def listing(self) -> Listing:
        return self._listing

    def dialogue(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        *,
        is_answered: bool = False,
        meta: Mapping[str, str] | None = None,  # noqa: ARG002  nothing is sent
        patience: float | None = None,
    ) -> StubDialogue:
        seconds = patience or self._settings.patience
        return StubDialogue(self._chosen(tool, arguments), tool, self._settings.place, seconds, is_answered=is_answered)

    async def read(self, uri: str) -> object:
        for each in self._stub.resources:
            if each.uri == uri:
                return each.text
        known = ", ".join(each.uri for each in self._stub.resources[:5]) or "none"
        raise Permanent(f"the stub has no resource {uri!r}; it has: {known}", code=codes.NO_ANSWER)

    async def prompt(self, name: str, arguments: Mapping[str, str]) -> Sequence[Mapping[str, object]]:  # noqa: ARG002
        for each in self._stub.prompts:
            if each.name == name:
                return [{"role": "user", "text": each.text}]
        known = ", ".join(each.name for each in self._stub.prompts[:5]) or "none"
        raise Permanent(f"the stub has no prompt {name!r}; it has: {known}", code=codes.NO_ANSWER)

    def _chosen(self, tool: Tool, arguments: Mapping[str, Any]) -> StubResult:
        misfits = []
        for number, each in enumerate(self._stub.results):
            misfit = self._misfit(number, each, tool, arguments)
            if misfit is None:
                self._given[number] += 1
                return each
            misfits.append(misfit)
        labels = [each.tool for each in self._stub.results]
        asked = f"{tool.original} with {bounded(codec.write(arguments).decode(), 300)}"
        if not misfits:
            raise Permanent(f"the stub has no result for {asked}: it has no `results` at all", code=codes.NO_ANSWER)
        near = advice(tool.original, labels, misfits)
        raise Permanent(f"the stub has no result for {asked}; {near}", code=codes.NO_ANSWER)

    def _misfit(self, number: int, result: StubResult, tool: Tool, arguments: Mapping[str, Any]) -> Misfit | None:
        if result.tool not in ("*", tool.original, tool.name):
            return Misfit(0, "it is for another tool")
        if result.arguments is not None and result.arguments != arguments:
            return Misfit(1, "its `arguments` differ")
        if result.when is not None:
            try:
                holds = result.when(arguments)
            except ExprError as error:
                raise Permanent(f"`when` of result {number + 1}: {error}", code=codes.NO_ANSWER) from error
            if not holds:
                return Misfit(2, f"`{result.when.text}` is false")
        if result.times is not None and self._given[number] >= result.times:
            return Misfit(3, f"its `times: {result.times}` is used up")
        return None


class StubDialogue:
    """A call of the stub: its questions, then its result."""

    def __init__(self, result: StubResult, tool: Tool, place: str, patience: float, *, is_answered: bool) -> None:
        self._result = result
        self._tool = tool
        self._place = place
        self._patience = patience
        self._is_answered = is_answered
        self._open = [
            Question(each.name, each.message, each.answer_schema or {"type": "object"}) for each in result.questions
        ]

    def resume(self, answers: Mapping[str, Any], state: str | None) -> None:  # noqa: ARG002  there is no state
        self._open = [each for each in self._open if each.name not in answers]

    async def next(self) -> Result | Sequence[Question]:
        place = self._place
        if self._result.error == "timeout":
            text = f"{place}: the tool {self._tool.original!r} took longer than {self._patience:g}s"
            raise Timeout(text, code=codes.TOO_SLOW)
        if self._result.error == "away":
            raise Transient(f"{place}: its stub says that it is away", code=codes.UNREACHABLE)
        if self._open and not self._is_answered:
            raise InputRequired(f"the tool {self._tool.original!r}", self._open, None)
        return self._open or self._result.result

    def answer(self, answers: object) -> None:
        if not isinstance(answers, Mapping):
            raise Permanent("the answers are no map by the questions' names", code=codes.BAD_ARGUMENTS)
        for each in self._open:
            accepted(each, answers.get(each.name))
        self._open = []

    def close(self) -> None:
        """Do nothing: no call is under way."""
