"""The settings of agents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationInfo, model_validator

from octo.ai.settings import Asking, ToolSchema
from octo.ai.tools import FAMILY as TOOLS
from octo.core.bounded import bounded
from octo.core.durations import Duration
from octo.core.expressions import Expr, Names, rendering
from octo.core.message import Message
from octo.core.schema import JsonSchema
from octo.core.settings import Advanced, Effect, Settings, Short
from octo.core.sockets import ConnectorRef, FlowRef, Of, Steps
from octo.core.state import State

LOAD_SKILL = "load_skill"
MOST_PARALLEL = 10

EventType = Literal[
    "turn_start",
    "text",
    "thinking",
    "tool_input",
    "tool_call",
    "tool_authorization",
    "tool_result",
    "turn_end",
    "compaction_start",
    "compaction_end",
    "signal",
    "guardrail",
    "done",
    "error",
]
EVENTS: tuple[EventType, ...] = get_args(EventType)

ToolName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""What every model accepts as the name of a tool."""


def _tool(value: object) -> object:
    if isinstance(value, str):
        raise ValueError(f"a tool is a chain or a flow: write `{{flow: {bounded(value, 60)}}}`")  # noqa: TRY004  pydantic's
    return value


class AgentTool(Settings):
    """A tool: a chain of blocks, or a flow."""

    name: ToolName | None = None
    """Name of the tool. Default: that of its flow."""
    description: str | None = Field(default=None, min_length=1, max_length=4000)
    """What it does and when to use it, for the model. Default: the description of its flow."""
    input_schema: ToolSchema | None = None
    """JSON Schema of its arguments. Arguments that do not fit are not passed on: the model is told what is wrong.
    Default: the `input` of its flow, else any object."""
    process: Steps | None = None
    """The chain: the arguments are its body, what it ends with is the answer."""
    flow: FlowRef | None = None
    """The flow that is called instead of a chain."""
    authorize: Annotated[Expr[bool], Names("input", "body", "vars")] | None = None
    """Whether a person must allow this call, e.g. `input.amount > 100`. If that cannot be told, the call is refused."""
    parallel: Annotated[bool, Advanced] = True
    """Whether it may run beside other calls of the same turn."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.process is None) == (self.flow is None):
            raise ValueError("a tool has a `process`, or names a `flow`")
        if self.flow is None and self.name is None:
            raise ValueError("a tool with a `process` needs a `name`")
        if self.flow is None and self.description is None:
            raise ValueError("a tool with a `process` needs a `description`: the model decides by it")
        return self

    @property
    def called(self) -> str:
        """The name by which the model calls it."""
        return self.name or (self.flow.name if self.flow is not None else "")


class Servers(Settings):
    """A server of tools, and which of them the agent may use."""

    server: Annotated[ConnectorRef, Of(TOOLS)]
    """Name of an `mcp-client` connector."""
    allow: list[str] = Field(default_factory=list)
    """Names of the tools that may be used; `*` stands for any text: `search_*`. Default: all that the connector allows.
    """
    approval: list[str] = Field(default_factory=list)
    """Names of the tools of which a person must allow each call, besides those of which the connector says so."""


def _server(value: object) -> object:
    return {"server": value} if isinstance(value, str) else value


class Skill(Settings):
    """Instructions that the model reads when it needs them."""

    name: ToolName
    """Name of the skill."""
    description: str = Field(min_length=1, max_length=1000)
    """When to read it; this part is in every prompt."""
    resource: str = Field(min_length=1)
    """The template with the instructions: its `as:` or path under `resources: templates:`."""
    _render: Callable[[Message], str] = PrivateAttr()

    @model_validator(mode="after")
    def _is_declared(self, info: ValidationInfo) -> Self:
        self._render = rendering(self.resource, info)
        return self

    def text(self, message: Message) -> str:
        """The instructions, with the values of the message."""
        return self._render(message)


class AgentSettings(Asking):
    decides: ClassVar[bool] = True

    prompt: str = Field(min_length=1, examples=["Answer questions about orders. Look up what you need."])
    """The agent's task and manners. It is the author's text; what comes from outside belongs into `input`."""
    tools: list[Annotated[AgentTool, BeforeValidator(_tool)]] = Field(default_factory=list)
    """What the model may call: `{name, description, inputSchema, process}`, or `{flow: NAME}`."""
    mcp: list[Annotated[Servers, BeforeValidator(_server), Short("server")]] = Field(default_factory=list)
    """Servers whose tools it may call, too: names of `mcp-client` connectors, or `{server, allow, approval}`."""
    skills: list[Skill] = Field(default_factory=list)
    """Instructions that the model loads when it needs them: `{name, description, resource}`."""
    input: Expr[object] | None = None
    """What the agent is asked, e.g. `body.question`. Default: the whole body as JSON."""
    attachments: Expr[list[object]] | None = None
    """Files beside the question: a list of `{mimeType, data, name}`; `data` is bytes, base64 or a `data:` URL."""
    keep_attachments: Annotated[bool, Advanced] = False
    """Whether later calls of the model get the files again, and the memory keeps them."""
    answer: Literal["json", "text"] = "json"
    """What the body becomes. `json`: the JSON value that the model answers with, or its text if that is no JSON.
    `text`: its text as it is."""
    output_schema: JsonSchema | None = None
    """JSON Schema of the answer. An answer that does not fit goes back to the model with what is wrong."""
    repairs: Annotated[int, Field(ge=0, le=10), Advanced] = 2
    """How often an answer goes back that does not fit the schema."""
    guardrail: str = ""
    """What the agent must not do; it stands at the end of the prompt."""
    default: Steps | None = None
    """Runs when the model refuses, a filter stops it, or it comes to no end. Without it that is an error."""
    max_iterations: int = Field(default=8, ge=1)
    """Calls of the model, at most."""
    max_parallel_tools: int = Field(default=MOST_PARALLEL, ge=0)
    """Calls of tools at once. With 1 they run one after the other on one message, so that variables add up; otherwise
    each gets a copy. 0 is the default."""
    max_result: Annotated[int, Field(ge=1000), Advanced] = 100_000
    """Characters of a tool's answer that the model gets; the rest is cut off, and the model is told."""
    memory_thread_id: Expr[str] | None = None
    """Id of the conversation, e.g. `vars.chat`: a later message with the same id goes on with it. It is also where
    others steer and stop the agent while it runs."""
    agent_id: str = ""
    """Whose conversations they are: agents with the same id share them. Default: this block alone."""
    memory_ttl: Annotated[Duration | None, Field(alias="memoryTTL"), Advanced] = None
    """How long a conversation is kept after its last message. Default: until it is cleared."""
    memory_volatile: Annotated[bool, Advanced] = False
    """Whether conversations are of those keys that need not outlive a restart, as with `object-write`. They are apart
    from the others."""
    context_max_tokens: int = Field(default=200_000, ge=1)
    """Tokens of a prompt. A longer conversation is shortened before it is sent."""
    memory_compaction: Literal["prune", "summarize"] = "prune"
    """How: `prune` leaves out its oldest part, `summarize` replaces that by a summary, for one more call."""
    events: Steps | None = None
    """Runs for each event of the run, with `{type, iteration, ...}` as body; e.g. a `sse-event` block. Its result is
    ignored, its errors are logged; a stop in it ends the agent."""
    emit: list[EventType] | None = None
    """The types of events to run it for. Default: all."""
    stream: bool = False
    """Whether `text`, `thinking` and `tool_input` come piece by piece, while the model writes."""
    stop_when: Expr[bool] | None = None
    """If true, the message ends the run of its conversation instead of beginning one."""
    authorize_id: Expr[object] | None = None
    """The id of a request for approval that this message answers; empty or null for any other message."""
    authorize_allow: Expr[bool] | None = None
    """Whether it allows the call."""
    authorize_timeout: Duration = timedelta(minutes=5)
    """How long the agent waits for an answer; after that the call is refused."""
    join: Literal["steer", "refuse"] = "steer"
    """What a second message does while its conversation is under way: `steer` gives it to the run as one more
    question and ends with `{}`; `refuse` fails with `Overloaded`."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for problem in _problems(self):
            raise ValueError(problem)
        return self

    @property
    def effect(self) -> Effect:
        """Its tools may do anything, and another run may call others."""
        return "once"

    @property
    def parallel(self) -> int:
        return self.max_parallel_tools or MOST_PARALLEL

    def wording(self, path: tuple[str | int, ...]) -> str | None:
        return f"ai-agent {path[0]}" if len(path) == 1 else None

    def shape_after(self, before: State) -> State:
        for each in (self.input, self.attachments, self.memory_thread_id, self.stop_when):
            before.of(each)
        before.of(self.authorize_id)
        before.of(self.authorize_allow)
        within: Any = before.unknown()
        for tool in self.tools:
            within.chain(tool.process)
        within.chain(self.events)
        within.chain(self.default)
        return before.unknown()


def _problems(agent: AgentSettings) -> Iterable[str]:
    """What is wrong with the settings together."""
    yield from _named_twice(agent)
    if agent.attachments is not None and agent.input is None:
        yield "`attachments` need an `input`, the question that they belong to"
    if agent.answer == "text" and agent.output_schema is not None:
        yield "`answer: text` has no `outputSchema`: remove one of them"
    for key, value in (("stopWhen", agent.stop_when), ("authorizeId", agent.authorize_id)):
        if value is not None and agent.memory_thread_id is None:
            yield f"`{key}` needs `memoryThreadId`: the conversation that it is about"
    if (agent.authorize_id is None) != (agent.authorize_allow is None):
        yield "`authorizeId` and `authorizeAllow` belong together"
    yield from _unasked(agent)


def _named_twice(agent: AgentSettings) -> Iterable[str]:
    tools, skills = [tool.called for tool in agent.tools], [skill.name for skill in agent.skills]
    if LOAD_SKILL in tools:
        yield f"`{LOAD_SKILL}` is the tool that reads skills: choose another name"
    for kind, names in (("tools", tools), ("skills", skills)):
        yield from (f"two {kind} are named `{name}`" for name, count in Counter(names).items() if count > 1)
    yield from (f"a skill and a tool are named `{name}`" for name in skills if name in tools)


def _unasked(agent: AgentSettings) -> Iterable[str]:
    asks = any(tool.authorize is not None for tool in agent.tools) or any(each.approval for each in agent.mcp)
    if not asks:
        return
    if agent.authorize_id is None:
        yield "calls that a person must allow need `authorizeId` and `authorizeAllow`: how the answer comes"
    if agent.events is None or (agent.emit is not None and "tool_authorization" not in agent.emit):
        yield "calls that a person must allow need `events` with `tool_authorization`: how the person hears of it"


class Read(Settings):
    thread_id: Expr[str]
    """The `memoryThreadId` of the conversation."""
    agent_id: str = Field(min_length=1)
    """The `agentId` of the agent."""
    as_: str = Field(default="", alias="as")
    """Variable for the conversation. Default: it becomes the body."""

    def shape_after(self, before: State) -> State:
        before.of(self.thread_id)
        return before.without_var(self.as_) if self.as_ else before.with_body()


class Clear(Settings):
    thread_id: Expr[str]
    """The `memoryThreadId` of the conversation."""
    agent_id: str | None = None
    """The `agentId` of the agent that forgets it. Default: every agent does."""

    def shape_after(self, before: State) -> State:
        before.of(self.thread_id)
        return before
