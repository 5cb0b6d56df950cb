"""Approval: a person allows or refuses a call of a tool, perhaps after a restart of the process that asked."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence

from octo.ai.agent.mail import Mail, Stopped
from octo.ai.agent.settings import AgentSettings
from octo.ai.agent.telling import Telling
from octo.ai.agent.thread import Waiting
from octo.ai.agent.toolbox import Entry
from octo.ai.conversation import ToolCall, ToolResult
from octo.core import clock, codec
from octo.core.log import fields
from octo.core.message import Message
from octo.expr import ExprError

log = logging.getLogger("octo.ai")


class Approvals:
    """Asks by events of the run, and gets the answers by its mail."""

    def __init__(self, settings: AgentSettings, telling: Telling, mail: Mail | None) -> None:
        self._timeout = settings.authorize_timeout.total_seconds()
        self._telling = telling
        self._mail = mail
        self._unclear: set[str] = set()

    def needed(self, entry: Entry | None, call: ToolCall, message: Message) -> bool:
        """Whether a person must allow the call, or it cannot be told; the latter is refused without asking."""
        if entry is None:
            return False
        if entry.own is None or entry.own.authorize is None:
            return entry.needs_approval
        try:
            return bool(entry.own.authorize(call.arguments, message.body, message.vars))
        except ExprError as error:
            log.warning("whether a call needs approval cannot be told", extra=fields(tool=call.name, error=str(error)))
            self._unclear.add(call.id)
            return True

    def requests(self, calls: Sequence[ToolCall], earlier: Mapping[str, tuple[str, float]]) -> Waiting:
        """The requests for these calls: those that were made earlier, and new ones. Nobody can guess their ids."""
        known = {call: (key, until) for key, (call, until) in earlier.items()}
        until = _unix() + self._timeout
        found = {}
        for call in calls:
            if call.id not in self._unclear and self._mail is not None:
                key, end = known.get(call.id) or (secrets.token_urlsafe(16), until)
                found[key] = call.id, end
        return Waiting(found)

    async def decided(self, calls: Sequence[ToolCall], waiting: Waiting) -> dict[str, ToolResult]:
        """Wait until each request is answered or its time is over; return results for the calls that are refused."""
        by_id = {call.id: call for call in calls}
        refused = {each: _refusal(by_id[each], "it cannot be told whether it is allowed") for each in self._unclear}
        self._unclear.clear()
        if self._mail is None:  # nobody can answer
            return {call.id: _refusal(call, "closed") for call in calls}
        for key, (call_id, until) in waiting.requests.items():
            if key not in self._mail.decisions:
                await self._ask(key, by_id[call_id], until)
        for key, (call_id, until) in waiting.requests.items():
            reason = await self._answer(key, until)
            if reason:
                refused[call_id] = _refusal(by_id[call_id], reason)
        return refused

    async def _ask(self, key: str, call: ToolCall, until: float) -> None:
        await self._telling.tell(
            "tool_authorization",
            tool=call.name,
            toolCallId=call.id,
            authorizationId=key,
            input=call.arguments,
            expiresInSeconds=max(0, round(until - _unix())),
        )

    async def _answer(self, key: str, until: float) -> str:
        """Why the call is refused; "" if it is allowed."""
        mail = self._mail
        assert mail is not None
        while key not in mail.decisions:
            if mail.is_stopped:
                raise Stopped
            left = until - _unix()
            if left <= 0:
                return "timeout"
            mail.changed.clear()
            try:
                async with asyncio.timeout(left):
                    await mail.changed.wait()
            except TimeoutError:
                continue
        return "" if mail.decisions[key] else "denied"


def _refusal(call: ToolCall, reason: str) -> ToolResult:
    content = codec.write({"authorized": False, "reason": reason}).decode()
    return ToolResult(call.id, call.name, content, is_error=True)


def _unix() -> float:
    return clock.now().timestamp()
