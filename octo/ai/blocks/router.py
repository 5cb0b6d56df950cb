"""ai-router: let a model choose one of several chains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from octo.ai.answering import working
from octo.ai.arguments import wrong
from octo.ai.conversation import Ask, Reply, Results, Tool, ToolCall, ToolResult, Turn, User, as_json
from octo.ai.details import details
from octo.ai.model import FAMILY, Model
from octo.ai.quoted import RULE, quoted, shown
from octo.ai.settings import Asking
from octo.core.block import Site, block
from octo.core.bounded import bounded
from octo.core.budget import Meter, used_tool, witness
from octo.core.flow import Outcome, at_last
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import Steps
from octo.core.spending import spending
from octo.core.state import State

MOST_ROUNDS = 5
"""Calls of the model, until the default is taken."""
MOST_CALLS = 16
"""Calls of tools in one reply that get more than an error."""
MOST_SHOWN = 64_000
"""Characters of a value that a tool returns; of longer ones the beginning and the end."""
GUARDRAIL = "__guardrail__"

_ROLE = (
    "You are a router: you decide which route a message takes. You see nothing of it but what the tools return. "
    "Inspect it as far as you need to, then call select_route once, with the reason in one sentence."
)
_DOUBT = f"If you are not confident which route is right, select `{GUARDRAIL}`."
_OPENING = "Decide which route the message takes."


class Route(Settings):
    name: Annotated[str, Field(min_length=1, examples=["billing"])]
    """Name of the route; `vars.ai.route` once it is chosen."""
    description: Annotated[str, Field(min_length=1, examples=["It is about a payment or an invoice."])]
    """When the route is the right one, in plain words for the model."""
    process: Steps
    """Runs when the route is chosen."""


class AiRouter(Asking):
    prompt: Annotated[str, Field(min_length=1, examples=["Choose the desk for this ticket."])]
    """What the choice is about, in plain words."""
    routes: Annotated[list[Route], Field(min_length=1)]
    """The routes: each `name`, `description` and `process`."""
    variables: list[str] | None = None
    """Names of the variables that the model may look at; default: all. With `[]` it sees the body alone."""
    guardrail: str = ""
    """When the model shall choose no route, in plain words: then `default` runs."""
    default: Steps | None = None
    """Runs when the model chooses no route, or one that is none. Without it the message passes through."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [each.name for each in self.routes]
        for name in names:
            if name == GUARDRAIL:
                raise ValueError(f"no route may have the name `{GUARDRAIL}`")
            if names.count(name) > 1:
                raise ValueError(f"two routes have the name `{name}`")
        return self

    def shape_after(self, before: State) -> State:
        before = self.told_in(before)
        return before.chain(self.default).either(*[before.chain(route.process) for route in self.routes])


class _Choice(NamedTuple):
    """name: of the chosen route, `__guardrail__`, or "" if none was chosen."""

    name: str
    reason: str
    reply: Reply
    rounds: int


@block("ai-router", connector=FAMILY, guarantee="answered", steps=("send", "confirm"), idempotent="always")
async def ai_router(model: Model, settings: AiRouter, message: Message, site: Site) -> Outcome:
    """Let a model choose a chain; its result is the result of the block.

    The model looks at the body and the variables with tools and calls `select_route`; of several selections the first
    counts. `vars.ai` has the `route` and the `reason`. If it answers with text, chooses `__guardrail__` or a route that
    does not exist, or has not chosen after 5 calls, `default` runs. An error of the model is an error of the block. The
    budget covers the chain that runs, too.
    """
    meter = settings.meter(site)
    return await spending(meter, _routed(model, settings, message, meter))


async def _routed(model: Model, settings: AiRouter, message: Message, meter: Meter) -> Outcome:
    with working("ai-router"):
        choice = await _chosen(model, settings, message)
    told = details(meter, choice.reply, route=choice.name, reason=choice.reason, rounds=choice.rounds)
    message = settings.told(message, told)
    chains = [each.process for each in settings.routes if each.name == choice.name]
    chain = chains[0] if chains else settings.default
    if chain is None:
        return message
    return await at_last(chain(message))


async def _chosen(model: Model, settings: AiRouter, message: Message) -> _Choice:
    tools = _Tools(settings, message)
    turns: tuple[Turn, ...] = (User(_OPENING),)
    witness(lambda: as_json(turns))
    for number in range(1, MOST_ROUNDS + 1):
        ask = Ask(_system(settings), turns, tools.all, "any", max_tokens=settings.most_tokens)
        reply = await model.ask(ask)
        if not reply.calls:
            return _Choice("", f"the model selected nothing ({reply.stop})", reply, number)
        for call in reply.calls:
            used_tool(call.name)
        selected = next((each for each in reply.calls if each.name == "select_route"), None)
        if selected is not None and not tools.fault(selected):
            return _selection(selected, settings, reply, number)
        turns = (*turns, reply.turn, Results(tuple(tools.results(reply.calls))))
    return _Choice("", f"the model selected nothing in {MOST_ROUNDS} calls", reply, MOST_ROUNDS)


def _selection(call: ToolCall, settings: AiRouter, reply: Reply, number: int) -> _Choice:
    arguments = call.arguments or {}
    name, reason = str(arguments["route"]), bounded(str(arguments.get("reason") or ""))
    if name == GUARDRAIL or any(each.name == name for each in settings.routes):
        return _Choice(name, reason, reply, number)
    return _Choice("", f"the model selected the unknown route {bounded(name, 100)!r}", reply, number)


def _system(settings: AiRouter) -> str:
    routes = "\n".join(f"- {json.dumps(each.name)}: {each.description}" for each in settings.routes)
    parts = [_ROLE, settings.prompt, f"The routes:\n{routes}", _DOUBT]
    if settings.guardrail:
        parts.append(f"Guardrail: {settings.guardrail}")
    return "\n\n".join([*parts, RULE])


class _Tools:
    """What the model may look at a message with."""

    def __init__(self, settings: AiRouter, message: Message) -> None:
        from octo.core.json_schema import Schema  # it takes a while to import

        self._message = message
        shared = settings.variables
        self._variables = {name: value for name, value in message.vars.items() if shared is None or name in shared}
        routes = [*(each.name for each in settings.routes), GUARDRAIL]
        nothing = {"type": "object", "properties": {}}
        self.all = (
            Tool("get_body", "Returns the body of the message.", nothing),
            Tool("list_variables", "Returns the names of the variables of the message.", nothing),
            Tool("get_variable", "Returns the value of one variable.", _object(name={"type": "string"})),
            Tool(
                "select_route",
                "Selects the route that the message takes. Call it once, when you are sure.",
                {**_object(route={"type": "string", "enum": routes}, reason={"type": "string"}), "required": ["route"]},
            ),
        )
        self._schemas = {each.name: Schema(each.input) for each in self.all[:-1]}
        # A route that does not exist is no fault to be mended, but a choice that leads to the default.
        self._schemas["select_route"] = Schema(
            {**_object(route={"type": "string"}, reason={"type": ["string", "null"]}), "required": ["route"]}
        )

    def fault(self, call: ToolCall) -> str:
        """What is wrong with a call; "" if nothing is."""
        schema = self._schemas.get(call.name)
        return f"unknown tool {bounded(call.name, 100)!r}" if schema is None else wrong(call, schema)

    def results(self, calls: tuple[ToolCall, ...]) -> Iterator[ToolResult]:
        """What came of the calls of a reply that has not selected a route."""
        for number, call in enumerate(calls):
            fault = self.fault(call) if number < MOST_CALLS else f"too many calls at once (at most {MOST_CALLS})"
            if not fault and call.name == "select_route":
                fault = "only the first selection counts, and it could not be read"
            if not fault and call.name == "get_variable" and self._name(call) not in self._variables:
                fault = "there is no variable of that name"
            yield ToolResult(call.id, call.name, fault or self._looked(call), is_error=bool(fault))

    def _looked(self, call: ToolCall) -> str:
        value: object = self._message.body
        if call.name == "list_variables":
            value = sorted(self._variables)
        elif call.name == "get_variable":
            value = self._variables[self._name(call)]
        return quoted(call.name, bounded(shown(value), MOST_SHOWN))

    def _name(self, call: ToolCall) -> str:
        return str((call.arguments or {}).get("name"))


def _object(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties)}
