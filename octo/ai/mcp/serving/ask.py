"""mcp-ask: ask the client that has called a tool for what the tool lacks: its user, its model or its folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from octo.ai.mcp.serving import codes
from octo.ai.mcp.serving.called import ASKED, CALL
from octo.core.block import block
from octo.core.errors import Permanent
from octo.core.expressions import Expr
from octo.core.flow import Outcome, Stop
from octo.core.json_schema import BadSchema, Schema
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.state import State

NEEDS = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots"}
"""What a client must be able to do, to be asked by the method."""
ANSWERS = "mcpAnswers"


class Ask(Settings):
    may_stop: ClassVar[bool] = True

    requests: Expr[dict]  # type: ignore[type-arg]
    """What to ask: a map from names to `{method, params}`. The method is `elicitation/create` for the user,
    `sampling/createMessage` for the client's model, `roots/list` for its folders."""

    def shape_after(self, before: State) -> State:
        before.of(self.requests)
        return before.without_var(ANSWERS)


@block("mcp-ask")
def mcp_ask(settings: Ask, message: Message) -> Outcome:
    """Ask the client of an MCP server, and go on once it has answered, with `vars.mcpAnswers`.

    Until then the chain ends here: it runs again from its beginning with the answers, so change nothing before. What
    the client cannot be asked is left out; if it can be asked nothing at all, it is told what it lacks. What a user
    filled in fits the `requestedSchema`; a user may also decline: look at `vars.mcpAnswers.NAME.action`.
    """
    call = message.vars.get(CALL)
    if not isinstance(call, Mapping):
        raise Permanent("mcp-ask: no client of MCP has called this chain", code=codes.OUTSIDE)
    requests = {name: _request(name, each) for name, each in settings.requests(message).items()}
    answers = call["answers"]
    possible = [name for name, each in requests.items() if NEEDS[each["method"]] in call["client"]]
    left = {name: requests[name] for name in possible if not _is_answered(answers.get(name), requests[name])}
    if left or (requests and not possible):
        return Stop(message.with_var(ASKED, left or requests))
    return message.with_var(ANSWERS, {name: answers[name] for name in possible})


def asked(message: Message) -> dict[str, Any]:
    """Return what a chain that ended asks for, by name."""
    found = message.vars.get(ASKED)
    return dict(found) if isinstance(found, Mapping) else {}


def _request(name: object, request: object) -> dict[str, Any]:
    if isinstance(request, Mapping) and request.get("method") in NEEDS:
        params = request.get("params", {})
        if isinstance(params, Mapping):
            return {"method": request["method"], "params": dict(params)}
    methods = ", ".join(NEEDS)
    raise Permanent(f"mcp-ask: the request {name!r} is not `{{method, params}}` of {methods}", code=codes.BAD_ASK)


def _is_answered(answer: object, request: Mapping[str, Any]) -> bool:
    """Whether the client has answered, and what its user filled in fits the form."""
    if not isinstance(answer, Mapping):
        return False
    form = request["params"].get("requestedSchema")
    if request["method"] != "elicitation/create":
        return True
    if answer.get("action") != "accept" or form is None:
        return answer.get("action") in ("accept", "decline", "cancel")
    try:
        return Schema(form).fits(answer.get("content"))
    except BadSchema as error:
        raise Permanent(f"mcp-ask: `requestedSchema`: {error}", code=codes.BAD_ASK) from None
