"""One call of a client, in rounds: its chain runs as often as it has something to ask, and the client answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import methods
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, TypeAdapter, ValidationError

from octo.ai.mcp.serving import codes, content
from octo.ai.mcp.serving.ask import NEEDS, asked
from octo.ai.mcp.serving.called import Call, Refused, log, outcome
from octo.ai.mcp.serving.offer import Run
from octo.ai.mcp.serving.progress import Tell, telling
from octo.ai.mcp.serving.tasks import Job
from octo.core.log import fields
from octo.core.message import Message

Context = ServerRequestContext[Message]

ROUNDS = 10
"""Times that one call may ask the client, at most."""
_REQUESTS: TypeAdapter[Any] = TypeAdapter(types.InputRequests)


def principal(context: Any) -> str | None:
    """Who calls: what a client was told to send back is of no use to another one."""
    sub = caller(context).vars.get("sub")
    return str(sub) if sub else None


def caller(context: Any) -> Message:
    """Return what a call begins with, which knows the caller."""
    message: Message = context.lifespan_context
    token = get_access_token()
    if token is None:
        return message
    return message.with_vars({**message.vars, "jwt": token.claims or {}, "sub": token.subject})


async def ended(
    context: Context,
    params: types.InputResponseRequestParams,
    what: str,
    run: Run,
    body: object,
    job: Job | None = None,
) -> Message | types.InputRequiredResult:
    """Return how the chain ended, or what the client is asked first.

    what: names the chain for the client. job: the task that the call may become.

    Raises `Refused` if it has not succeeded, and `MCPError` if the client cannot be asked what the chain asks.
    """
    version, client = context.protocol_version, _capabilities(context)
    is_modern = version in MODERN_PROTOCOL_VERSIONS
    given = params.model_dump(by_alias=True, mode="json", exclude_none=True)
    answers = {**_state(params.request_state), **given.get("inputResponses", {})}
    for _ in range(ROUNDS):
        message = Call(version, client, answers).message(caller(context), body)
        with telling(_telling(context, job)):
            end = await outcome(what, run, message)
        requests = asked(end)
        if not requests:
            return end
        lacking = {NEEDS[each["method"]] for each in requests.values()} - client.keys()
        if lacking and is_modern:
            needed: dict[str, Any] = {"requiredCapabilities": {each: {} for each in sorted(lacking)}}
            raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, f"{what} has to ask the client", needed)
        if not is_modern and (lacking or not context.session.can_send_request):
            raise Refused(f"{what} has to ask the client, which this client does not support here")
        typed = _typed(context, what, requests)
        if job is not None and job.is_task:
            answers |= await job.ask(typed)
            continue
        if is_modern:
            return types.InputRequiredResult(input_requests=typed, request_state=json.dumps(answers))
        answers |= await _asked_now(context, typed)
    raise Refused(f"{what} asked the client more than {ROUNDS} times")


class _Result(BaseModel, extra="allow"):
    """An answer of a client, as it is."""


def _telling(context: Context, job: Job | None) -> Tell:
    """Return what tells the client how far a call is; once that is a task, no response is there to tell it with."""

    async def tell(progress: float, total: float | None, text: str | None) -> None:
        if job is None or not job.is_task:
            await context.session.report_progress(progress, total, text)

    return tell


def _typed(context: Context, what: str, requests: Mapping[str, Any]) -> dict[str, Any]:
    """Return the requests as the SDK sends them. Raises `Refused` if the client's revision knows no such requests."""
    plain, version = content.plain(requests), context.protocol_version
    try:
        if version in MODERN_PROTOCOL_VERSIONS:
            result = {"resultType": "input_required", "inputRequests": plain}
            methods.validate_server_result(context.method, version, result)
        else:
            for each in plain.values():
                methods.parse_server_request(each["method"], version, each["params"])
        return dict(_REQUESTS.validate_python(plain, by_name=False))
    except (ValidationError, KeyError) as error:
        extra = fields(code=codes.BAD_ASK, error=f"{type(error).__name__}: {error}")
        log.warning("%s asks for what the protocol does not know", what, extra=extra)
        raise Refused(f"{what} failed: an internal error") from None


async def _asked_now(context: Context, requests: Mapping[str, Any]) -> dict[str, Any]:
    """Ask a client of an older revision, which is connected all the time. Returns its answers."""
    metadata = ServerMessageMetadata(related_request_id=context.request_id)
    return {
        name: (await context.session.send_request(each, _Result, metadata=metadata)).model_dump(mode="json")
        for name, each in requests.items()
    }


def _capabilities(context: Context) -> dict[str, Any]:
    found = context.session.client_capabilities
    return {} if found is None else found.model_dump(by_alias=True, mode="json", exclude_none=True)


def _state(state: str | None) -> dict[str, Any]:
    """Return the answers of earlier rounds. The SDK has checked that this server has sealed them."""
    found = json.loads(state) if state else {}
    return found if isinstance(found, dict) else {}
