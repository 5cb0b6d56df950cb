"""One call of a tool that may ask questions on the way, in both revisions of the protocol.

With 2026-07-28 a call ends with its questions, and another one has the answers and the state of the first. Before that
the server asks while the call is under way. Its question may come with the answer of its call; if it does not, only
the number of calls tells whose it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import mcp_types as types
from pydantic import ValidationError

from octo.ai.mcp.client import codes
from octo.ai.mcp.client.floor import ASKING, MOST_QUESTIONS, Asked, question
from octo.ai.mcp.client.questions import InputRequired, Question, accepted
from octo.ai.mcp.client.results import Result
from octo.ai.mcp.client.tools import Tool
from octo.core.errors import Permanent

if TYPE_CHECKING:
    from octo.ai.mcp.client.session import Called, Session

MOST_ROUNDS = 10
"""How often one call may ask."""
WAIT = 0.25
"""Seconds before a call goes on that asked nothing, but gave a state."""


class Dialogue:
    """One call, and what it asks. `next` returns its result, or questions that `answer` must answer before the next.

    is_answered: whether somebody answers. If not, questions of 2025-11-25 are declined, and later ones are an error.
    """

    def __init__(
        self,
        session: Session,
        tool: Tool,
        arguments: Mapping[str, Any],
        *,
        is_answered: bool,
        meta: Mapping[str, str],
        patience: float | None,
    ) -> None:
        self._session = session
        self._tool = tool
        self._arguments = arguments
        self._meta = meta
        self._patience = patience
        self._is_answered = is_answered
        self._answers: dict[str, types.ElicitResult] | None = None
        self._state: str | None = None
        self._questions: Sequence[Question] = ()
        self._rounds = 0
        self._queue: asyncio.Queue[Asked] = asyncio.Queue(MOST_QUESTIONS)
        self._asked: Asked | None = None
        self._call: asyncio.Task[Called | Exception] | None = None

    def resume(self, answers: Mapping[str, Any], state: str | None) -> None:
        """Begin with answers to the questions of an earlier call, whose schemas are not known any more."""
        self._state = state
        self._answers = {name: _given(_of_before(answer)) for name, answer in answers.items()}

    async def next(self) -> Result | Sequence[Question]:
        """Go on until there is a result or a question. Raises `InputRequired` if nobody answers questions."""
        while True:
            self._rounds += 1
            if self._rounds > MOST_ROUNDS:
                text = f"the tool {self._tool.original!r} asked more than {MOST_ROUNDS} times"
                raise Permanent(text, code=codes.BROKEN)
            found = await self._step()
            if isinstance(found, Asked):
                self._asked, self._questions = found, (found.question,)
                return self._questions
            if isinstance(found, types.CallToolResult):
                return _result(found)
            self._state, self._answers = found.request_state, None
            self._questions = _questions(found, self._tool)
            if self._questions:
                if not self._is_answered:
                    raise InputRequired(f"the tool {self._tool.original!r}", self._questions, self._state)
                return self._questions
            await asyncio.sleep(WAIT)

    def answer(self, answers: object) -> None:
        """Answer the questions: a map by their names. Raises `Permanent` if one does not fit."""
        if not isinstance(answers, Mapping):
            raise Permanent("the answers are no map by the questions' names", code=codes.BAD_ARGUMENTS)
        given = {each.name: _given(accepted(each, answers.get(each.name))) for each in self._questions}
        if self._asked is None:
            self._answers = given
        else:
            self._asked.answer.set_result(given[self._asked.question.name])
            self._asked = None

    def close(self) -> None:
        """Cancel a call that is still under way."""
        if self._asked is not None:
            self._asked.answer.cancel()
        if self._call is not None:
            self._call.cancel()
            self._session.floor.asking.remove(self._queue)

    async def _step(self) -> Called | Asked:
        if self._session.is_modern or not self._is_answered:
            return await self._called()
        if self._call is None:
            token = ASKING.set(self._queue)
            self._session.floor.asking.append(self._queue)
            try:
                self._call = self._session.begin(self._safely())
            finally:
                ASKING.reset(token)
        asked = self._session.begin(self._queue.get())
        try:
            await asyncio.wait((self._call, asked), return_when=asyncio.FIRST_COMPLETED)
            if asked.done() and not asked.cancelled():
                return asked.result()
            if self._call.cancelled() or not self._call.done():
                raise self._session.gone
            found = self._call.result()
            if isinstance(found, Exception):
                raise found
            return found
        finally:
            asked.cancel()

    async def _called(self) -> Called:
        answers = None
        if self._answers is not None:
            answers = {
                name: each.model_dump(by_alias=True, mode="json", exclude_none=True)
                for name, each in self._answers.items()
            }
        return await self._session.call(self._tool, self._arguments, answers, self._state, self._meta, self._patience)

    async def _safely(self) -> Called | Exception:
        """The call in a task of the session, which no error of it may end."""
        try:
            return await self._called()
        except Exception as error:  # noqa: BLE001  `_step` raises it
            return error


def _questions(found: types.InputRequiredResult, tool: Tool) -> Sequence[Question]:
    requests = found.input_requests or {}
    if len(requests) > MOST_QUESTIONS:
        raise Permanent(f"the tool {tool.original!r} asks {len(requests)} questions at once", code=codes.BROKEN)
    questions = []
    for name, each in requests.items():
        if not isinstance(each, types.ElicitRequest):
            text = f"the tool {tool.original!r} asks for {each.method}, which this client does not offer"
            raise Permanent(text, code=codes.BROKEN)
        questions.append(question(name, each.params))
    return questions


def _given(content: dict[str, object] | None) -> types.ElicitResult:
    if content is None:
        return types.ElicitResult(action="decline")
    try:
        return types.ElicitResult.model_validate({"action": "accept", "content": content or None})
    except ValidationError:
        text = "an answer to a question is a map of texts, numbers, booleans and lists of texts"
        raise Permanent(text, code=codes.BAD_ARGUMENTS) from None


def _of_before(answer: object) -> dict[str, object] | None:
    return dict(answer) if isinstance(answer, Mapping) else {} if answer is True else None


def _result(found: types.CallToolResult) -> Result:
    parts = [each.model_dump(by_alias=True, mode="json", exclude_none=True) for each in found.content]
    if found.structured_content is None:
        return Result(parts, is_error=found.is_error)
    return Result(parts, found.structured_content, found.is_error)
