"""The tools of an agent: chains, flows, skills, and those of servers, under one name each."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from octo.ai.agent.settings import LOAD_SKILL, AgentSettings, AgentTool, Servers, Skill
from octo.ai.arguments import wrong
from octo.ai.conversation import Tool, ToolCall, ToolResult
from octo.ai.quoted import quoted, shown
from octo.ai.tools import Offer, Server, fits
from octo.core import codec
from octo.core.bounded import bounded
from octo.core.budget import BudgetExceeded, meters
from octo.core.errors import OctoError
from octo.core.flow import Drop, Failure, Processor, Stop, at_last
from octo.core.json_schema import BadSchema, Schema
from octo.core.log import fields
from octo.core.message import Message
from octo.core.occurrence import turn
from octo.core.secrets import masked
from octo.expr import ExprError

log = logging.getLogger("octo.ai")

ANY: Mapping[str, Any] = {"type": "object"}
LONGEST_DESCRIPTION = 1000
LONGEST_ERROR = 2000
_SKILL_INPUT = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}


class Answer(NamedTuple):
    """What came of a call: what the model gets, and the message that the tool's chain ended with, if it has one."""

    result: ToolResult
    message: Message | None = None


class ToolStopped(Exception):
    """The chain of a tool has stopped: its message is the answer of the flow."""

    def __init__(self, stop: Stop) -> None:
        super().__init__("the chain of a tool has stopped")
        self.stop = stop


@dataclass
class Entry:
    """A tool that may be called. Exactly one of `own`, `server` and `skills` says how.

    offered: the name that the server gave it. schema: of its arguments; None if they cannot be checked.
    """

    tool: Tool
    own: AgentTool | None = None
    server: Servers | None = None
    offered: str = ""
    skills: Mapping[str, Skill] | None = None
    needs_approval: bool = False
    schema: Schema | None = None

    @property
    def is_parallel(self) -> bool:
        return self.own is None or self.own.parallel


class Toolbox:
    """Knows the tools of a run. What servers offer is asked for before each call of the model, as it may change."""

    def __init__(self, settings: AgentSettings, scope: str) -> None:
        self._settings = settings
        self._scope = scope
        self._own = {each.called: _own(each) for each in settings.tools}
        if settings.skills:
            self._own[LOAD_SKILL] = _skills(settings.skills)
        self._offers: dict[str, tuple[Entry, ...]] = {}
        self._entries: dict[str, Entry] = dict(self._own)

    async def tools(self) -> tuple[Tool, ...]:
        """The tools that the model may call now. A server that cannot say what it offers keeps what it offered."""
        for servers in self._settings.mcp:
            await self._ask(servers)
        self._entries = dict(self._own)
        for name, offered in self._offers.items():
            for entry in offered:
                free = _free(entry.tool.name, name, self._entries)
                self._entries[free] = Entry(
                    entry.tool._replace(name=free), server=entry.server, offered=entry.offered,
                    needs_approval=entry.needs_approval, schema=entry.schema,
                )  # fmt: skip
        return tuple(entry.tool for entry in self._entries.values())

    async def _ask(self, servers: Servers) -> None:
        name = servers.server.name
        before = self._offers.get(name, ())
        try:
            offers: Sequence[Offer] = await servers.server.use(_tools_of)
        except OctoError as error:
            if not before:
                log.warning("a server of tools does not answer", extra=fields(connector=name, error=str(error)))
            return
        known = {entry.offered: entry for entry in before}
        self._offers[name] = tuple(
            _remote(offer, servers, known.get(offer.tool.name)) for offer in offers if _is_in(offer, servers.allow)
        )

    def find(self, name: str) -> Entry | None:
        return self._entries.get(name)

    def fault(self, call: ToolCall) -> str:
        """Why the call cannot be made, for the model; "" if it can."""
        entry = self.find(call.name)
        if entry is None:
            return f'unknown tool "{bounded(call.name, 100)}"; there are: {", ".join(self._entries)}'
        return wrong(call, entry.schema)

    async def call(self, call: ToolCall, message: Message, number: int) -> Answer:
        """Call a tool without a fault. What goes wrong in it is an answer.

        number: of the call in the run. Raises `ToolStopped`, and `Failure` where a budget around the agent is used up.
        """
        entry = self._entries[call.name]
        arguments = call.arguments or {}
        if entry.skills is not None:
            return Answer(_loaded(entry.skills, call, message))
        if entry.server is not None:
            return Answer(await self._remote(entry, call, arguments))
        assert entry.own is not None
        return await self._run(entry.own, call, message, number)

    async def _run(self, tool: AgentTool, call: ToolCall, message: Message, number: int) -> Answer:
        run: Processor = tool.process.run if tool.process is not None else tool.flow.call  # type: ignore[union-attr]
        given = {"toolScope": f"{self._scope}/{call.name}", "toolName": call.name, "toolCallId": call.id}
        branch = message.with_body(call.arguments or {}).with_vars({**message.vars, **given})
        try:
            outcome = await at_last(turn(number, run, branch))
        except Failure as failure:
            if _ends_all(failure.cause):
                raise
            return Answer(self._failed(call, _reason(failure.cause)))
        if isinstance(outcome, Stop):
            raise ToolStopped(outcome)
        if isinstance(outcome, Drop):
            return Answer(self._failed(call, "the tool produced no result"))
        kept = {name: value for name, value in outcome.vars.items() if name not in given or name in message.vars}
        kept |= {name: message.vars[name] for name in given if name in message.vars}
        text = masked(shown(outcome.body))
        return Answer(ToolResult(call.id, call.name, self._cut(text)), outcome.with_vars(kept))

    async def _remote(self, entry: Entry, call: ToolCall, arguments: Mapping[str, Any]) -> ToolResult:
        assert entry.server is not None

        async def asked(server: Server) -> ToolResult:
            answered = await server.call(entry.offered, arguments)
            text = quoted(f"answer of {call.name}", self._cut(answered.content))
            return ToolResult(call.id, call.name, text, answered.is_error, answered.attachments)

        try:
            return await entry.server.server.use(asked)
        except OctoError as error:
            if _ends_all(error):
                raise
            return self._failed(call, _reason(error))

    def _failed(self, call: ToolCall, reason: str) -> ToolResult:
        return ToolResult(call.id, call.name, reason, is_error=True)

    def _cut(self, text: str) -> str:
        most = self._settings.max_result
        return text if len(text) <= most else f"{text[:most]}\n({len(text) - most:,} more characters were cut off)"


async def _tools_of(server: Server) -> Sequence[Offer]:
    return await server.tools()


def _ends_all(cause: Exception) -> bool:
    """Whether a budget is used up that is not the tool's own: then there is nothing that the agent could do."""
    return isinstance(cause, BudgetExceeded) and cause.meter in meters()


def _reason(cause: Exception) -> str:
    """What the model is told of an error: never of one that the author did not write, whose text may hold anything."""
    if not isinstance(cause, OctoError | ExprError):
        return "the tool has failed"
    return bounded(masked(str(cause)), LONGEST_ERROR)


def _own(tool: AgentTool) -> Entry:
    callee = None if tool.flow is None else tool.flow.target
    description = tool.description or (callee.description if callee is not None else "") or f"Runs {tool.called}."
    written: Any = None if tool.input_schema is None else tool.input_schema.plain
    if written is None and callee is not None:
        written = callee.input
    return Entry(Tool(tool.called, description, _object(written)), own=tool, schema=_schema(written))


def _object(written: Any) -> Mapping[str, Any]:
    """A schema that models accept: it says that it is of an object."""
    if not isinstance(written, Mapping):
        return ANY
    return written if "type" in written else {"type": "object", **written}


def _schema(written: Any) -> Schema | None:
    return None if written is None else _compiled(codec.write(written))


@lru_cache(maxsize=512)
def _compiled(written: bytes) -> Schema | None:
    """The schema, as it is written. Each run has the tools of all others, so it finds theirs here."""
    try:
        return Schema(codec.read(written))
    except BadSchema:  # from outside: the server checks its own arguments
        return None


def _skills(skills: Sequence[Skill]) -> Entry:
    names = [each.name for each in skills]
    schema = {**_SKILL_INPUT, "properties": {"name": {"type": "string", "enum": names}}}
    tool = Tool(LOAD_SKILL, "Reads the instructions of a skill. Do so before a task that it is for.", schema)
    return Entry(tool, skills={each.name: each for each in skills}, schema=_schema(schema))


def _loaded(skills: Mapping[str, Skill], call: ToolCall, message: Message) -> ToolResult:
    name = str((call.arguments or {})["name"])
    try:
        return ToolResult(call.id, call.name, skills[name].text(message))
    except ExprError as error:
        return ToolResult(call.id, call.name, _reason(error), is_error=True)


def _remote(offer: Offer, servers: Servers, known: Entry | None) -> Entry:
    needs = offer.needs_approval or fits(offer.tool.name, servers.approval)
    is_known = known is not None and known.tool.input == offer.tool.input
    schema = known.schema if known is not None and is_known else _schema(offer.tool.input)
    said = bounded(masked(offer.tool.description), LONGEST_DESCRIPTION)
    description = quoted(f"description by the server {servers.server.name}", said)
    tool = Tool(offer.tool.name, description, _object(offer.tool.input))
    return Entry(tool, server=servers, offered=offer.tool.name, needs_approval=needs, schema=schema)


def _is_in(offer: Offer, allowed: Sequence[str]) -> bool:
    return not allowed or fits(offer.tool.name, allowed)


def _free(name: str, server: str, taken: Mapping[str, object]) -> str:
    """The name itself, or one with that of its server in front if another tool has it."""
    if name not in taken:
        return name
    prefix = "".join(each if each.isalnum() else "_" for each in server)
    for number in range(1, 100):
        suffix = "" if number == 1 else str(number)
        found = f"{prefix}{suffix}__{name}"[:64]
        if found not in taken:
            return found
    raise AssertionError("a hundred tools of one name")
