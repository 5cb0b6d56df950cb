"""ai-retry: when a chain fails, let a model mend the message, and run the chain again."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from octo.ai.answering import working
from octo.ai.arguments import wrong
from octo.ai.conversation import Ask, Reply, Results, Tool, ToolCall, ToolResult, Turn, User, as_json
from octo.ai.details import details
from octo.ai.model import FAMILY, Details, Model
from octo.ai.quoted import RULE, quoted, shown
from octo.ai.settings import Asking
from octo.core.block import Site, block
from octo.core.bounded import bounded
from octo.core.budget import BudgetExceeded, Meter, used_tool, witness
from octo.core.errors import OctoError
from octo.core.flow import Drop, Failure, Outcome, Stop, at_last
from octo.core.message import Message
from octo.core.sockets import Always, Handler, Steps
from octo.core.spending import spending
from octo.core.state import State

MOST_SHOWN = 64_000
"""Characters of a value that the model sees; of longer ones the beginning and the end."""

_ROLE = (
    "A message was processed and failed. You see the error, the body and the variables. If a change of the message can "
    "mend it, call revise_message with the whole new body, and with the variables that must change, if any. It is then "
    "processed again, and you hear what came of it. If no change can mend it, answer with text and call nothing."
)
_SKIPPED = "not carried out: only one revision is tried at a time"


class AiRetry(Asking):
    prompt: Annotated[str, Field(min_length=1, examples=["Mend the request; never invent an amount."])]
    """What the model may change, in plain words."""
    process: Annotated[Steps, Always()]
    """The chain to try."""
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 3
    """Revisions, at most: the chain runs at most once more."""
    variables: list[str] | None = None
    """Names of the variables that the model sees and may set; default: any. With `[]` it works on the body alone."""
    error: Annotated[Steps | None, Handler()] = None
    """Runs with `vars.error` when no revision has helped. Without it the last error of the chain is raised."""

    @property
    def repeated(self) -> Steps:
        """The chain, whose calls may be made again."""
        return self.process

    def shape_after(self, before: State) -> State:
        tried = self.told_in(before.either(before.unknown()).chain(self.process))
        return tried.either(before.failed().chain(self.error)) if self.error is not None else tried


@block("ai-retry", connector=FAMILY, guarantee="answered", steps=("send", "confirm"), idempotent="always")
async def ai_retry(model: Model, settings: AiRetry, message: Message, site: Site) -> Outcome:
    """Run a chain; while it fails, let a model revise the message that came in, and run the chain on that.

    Nothing that a failed run has changed stays. The chain sees `vars.error` of the run before. A drop or a stop inside
    counts as success. If the model proposes nothing, fails itself, or has had its attempts, `error` runs with the
    chain's own error, or that is raised; `vars.ai` has `attempts`, and says in `ended` why. A budget that is used up is
    raised as `BudgetExceeded`, past `error`; it covers the chain, too.
    """
    meter = settings.meter(site)
    return await spending(meter, _tried(_Repair(model, settings, site, meter), settings, message))


async def _tried(repair: _Repair, settings: AiRetry, message: Message) -> Outcome:
    current = message
    while True:
        try:
            outcome = await at_last(settings.process(current))
        except Failure as failure:
            if isinstance(failure.cause, BudgetExceeded):
                raise
            last = failure
        else:
            return repair.told(message, outcome)
        with working("ai-retry"):
            revised = await repair.revised(last, current)
        if revised is None:
            return await _given_up(repair, settings, last)
        current = revised
        del last  # its traceback refers to this frame


async def _given_up(repair: _Repair, settings: AiRetry, last: Failure) -> Outcome:
    if settings.error is None:
        raise last.inside(f"after {repair.attempts} of {settings.max_attempts} revisions, {repair.ended}")
    recovery = settings.told(last.recovery(repair.label), repair.details)
    try:
        return await at_last(settings.error(recovery))
    except Failure as failure:
        raise failure.inside("scope alternative").after(last) from last


class _Repair:
    """The conversation in which a model mends a message.

    attempts: calls of the model so far. ended: why there will be no further one.
    """

    def __init__(self, model: Model, settings: AiRetry, site: Site, meter: Meter) -> None:
        from octo.core.json_schema import Schema  # it takes a while to import

        self.attempts = 0
        self.ended = ""
        self.label = "" if site.label == "ai-retry" else site.label
        self._model = model
        self._settings = settings
        self._meter = meter
        self._tool = _tool(settings.variables)
        self._schema = Schema(self._tool.input)
        self._turns: tuple[Turn, ...] = ()
        self._reply: Reply | None = None

    @property
    def details(self) -> Details:
        ended = {"ended": self.ended} if self.ended else {}
        return details(self._meter, self._reply, attempts=self.attempts, **ended)

    def told(self, before: Message, outcome: Outcome) -> Outcome:
        """The outcome of the chain, with the details and without the error of the run before."""
        if isinstance(outcome, Drop) or not self.attempts:
            return outcome
        if isinstance(outcome, Stop):
            return Stop(self._told(before, outcome.message))
        return self._told(before, outcome)

    def _told(self, before: Message, after: Message) -> Message:
        variables = {key: value for key, value in after.vars.items() if key != "error"}
        if "error" in before.vars:
            variables["error"] = before.vars["error"]
        return self._settings.told(after.with_vars(variables), self.details)

    async def revised(self, failure: Failure, message: Message) -> Message | None:
        """The message as the model wants it; None if it wants nothing, cannot be asked, or has had its attempts."""
        witness(lambda: as_json(self._turns))  # each time: the chain may have had conversations of its own
        self._say(_state(failure, message, self.label, self._settings.variables))
        while self.attempts < self._settings.max_attempts:
            self.attempts += 1
            call = await self._call()
            if call is None:
                return None
            used_tool(call.name)
            fault = wrong(call, self._schema)
            if not fault:
                return _changed(message, call.arguments or {}, failure.as_value(self.label))
            self._say(fault)
        self.ended = "which is all"
        return None

    async def _call(self) -> ToolCall | None:
        """The model's next wish."""
        ask = Ask(_system(self._settings), self._turns, (self._tool,), max_tokens=self._settings.most_tokens)
        try:
            self._reply = reply = await self._model.ask(ask)
        except BudgetExceeded:
            raise
        except OctoError as error:
            self.ended = f"because the model failed: {error}"
            return None
        self._turns = (*self._turns, reply.turn)
        call = _revision(reply)
        if call is None:
            self.ended = f"because the model proposed no revision ({reply.stop})"
        return call

    def _say(self, text: str) -> None:
        """Tell the model what came of its last wish; before its first one, what it is all about."""
        if self._reply is None:
            self._turns = (User(text),)
            return
        wish = _revision(self._reply)
        results = [
            ToolResult(each.id, each.name, text if each is wish else _SKIPPED, is_error=True)
            for each in self._reply.calls
        ]
        self._turns = (*self._turns, Results(tuple(results)))


def _revision(reply: Reply) -> ToolCall | None:
    return next((each for each in reply.calls if each.name == "revise_message"), None)


def _system(settings: AiRetry) -> str:
    return f"{_ROLE}\n\n{settings.prompt}\n\n{RULE}"


def _tool(variables: list[str] | None) -> Tool:
    changed: dict[str, Any] = {"type": "object", "description": "Variables to set, by name; others stay."}
    if variables is not None:
        changed = {**changed, "properties": {name: {} for name in variables}, "additionalProperties": False}
    return Tool(
        "revise_message",
        "Replaces the message by a mended one, which is then processed again.",
        {
            "type": "object",
            "properties": {"body": {"description": "The whole new body."}, "variables": changed},
            "required": ["body"],
        },
    )


def _changed(message: Message, arguments: Any, error: object) -> Message:
    variables = arguments.get("variables") or {}
    return message.with_vars({**message.vars, **variables, "error": error}).with_body(arguments["body"])


def _state(failure: Failure, message: Message, label: str, shared: list[str] | None) -> str:
    """What the model hears of a failed run: the error, the body that would be revised, and the shared variables."""
    seen = failure.recovery(label).vars
    variables = {name: value for name, value in seen.items() if name != "error" and (shared is None or name in shared)}
    values = {"error": seen["error"], "body": message.body, "variables": variables}
    return "\n".join(quoted(name, bounded(shown(value), MOST_SHOWN)) for name, value in values.items())
