"""Questions of a server of 2025-11-25 or before: whose they are, while several calls are under way."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import NamedTuple

import mcp_types as types
from mcp.client.session import ClientRequestContext
from pydantic import ValidationError

from octo.ai.mcp.client.questions import Question
from octo.ai.mcp.client.tools import seen, shown

MOST_QUESTIONS = 20
"""Questions at once."""


class Asked(NamedTuple):
    """A question that came while the call was under way, and where its answer goes."""

    question: Question
    answer: asyncio.Future[types.ElicitResult]


ASKING: ContextVar[asyncio.Queue[Asked] | None] = ContextVar("octo.mcp.asking", default=None)


class Floor:
    """Who answers the questions that come while calls are under way. calls: how many are. asking: those who answer."""

    def __init__(self) -> None:
        self.calls = 0
        self.asking: list[asyncio.Queue[Asked]] = []

    async def elicited(
        self,
        context: ClientRequestContext,  # noqa: ARG002  the SDK's signature
        params: types.ElicitRequestParams,
    ) -> types.ElicitResult | types.ErrorData:
        """Answer a question. One that nobody answers, or that may belong to any of several calls, is declined."""
        asking = ASKING.get()
        if asking is None and self.calls == 1 and self.asking:
            asking = self.asking[0]
        if asking is None or asking.full():
            return types.ElicitResult(action="decline")
        asked = Asked(question("input", params), asyncio.get_running_loop().create_future())
        asking.put_nowait(asked)
        return await asked.answer


def question(name: str, params: types.ElicitRequestParams) -> Question:
    """What is asked. Its words come from outside."""
    message = shown(params.message)
    if isinstance(params, types.ElicitRequestURLParams):
        return Question(name, message, None, params.url)
    return Question(name, message, seen(params.requested_schema))


def questions_of(data: object) -> list[Question]:
    """What a server of 2025-11-25 asks for with the error that a person must go to addresses first."""
    try:
        found = types.ElicitationRequiredErrorData.model_validate(data).elicitations
    except ValidationError:
        return []
    return [question(each.elicitation_id or "input", each) for each in found[:MOST_QUESTIONS]]
