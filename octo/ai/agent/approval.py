"""Approval: a person allows or refuses a call of a tool, perhaps after a restart of the process that asked."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence

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
    """Asks by events of the run, and gets the answers by its mail. mail: None if nobody can answer."""

    def __init__(self, settings: AgentSettings, telling: Telling, mail: Mail | None) -> None:
        self._timeout = settings.authorize_timeout.total_seconds()
        self._telling = telling
        self._mail = mail

    def requests(self, calls: Sequence[ToolCall], find: Callable[[str], Entry | None], message: Message) -> Waiting:
        """The requests for those of the calls that a person must allow. Nobody can guess their ids.

        message: that for which they are made. Whose message comes later may be anybody's, and decides nothing here.
        """
        until = _unix() + self._timeout
        found: dict[str, tuple[str, float]] = {}
        unclear: list[str] = []
        for call in calls:
            try:
                if _is_needed(find(call.name), call, message):
                    found[secrets.token_urlsafe(16)] = call.id, until
            except ExprError as error:
                told = fields(tool=call.name, error=str(error))
                log.warning("whether a call needs approval cannot be told", extra=told)
                unclear.append(call.id)
        return Waiting(found, tuple(unclear))

    async def decided(self, calls: Sequence[ToolCall], waiting: Waiting) -> dict[str, ToolResult]:
        """Wait until each request is answered or its time is over; return results for the calls that are refused."""
        by_id = {call.id: call for call in calls}
        reasons = dict.fromkeys(waiting.unclear, "it cannot be told whether it is allowed")
        asked = [(key, call, until) for key, (call, until) in waiting.requests.items() if call in by_id]
        for key, call, until in asked:
            if self._mail is not None and key not in self._mail.decisions:
                await self._ask(key, by_id[call], until)
        for key, call, until in asked:
            reasons[call] = await self._answer(key, until)
        return {call: _refusal(by_id[call], reason) for call, reason in reasons.items() if reason and call in by_id}

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
        if mail is None:
            return "closed"
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
        decision = mail.decisions[key]
        if decision["at"] > until:
            return "timeout"
        return "" if decision["allow"] else "denied"


def _is_needed(entry: Entry | None, call: ToolCall, message: Message) -> bool:
    """Whether a person must allow the call. Raises `ExprError` if that cannot be told."""
    if entry is None:
        return False
    if entry.own is None or entry.own.authorize is None:
        return entry.needs_approval
    return bool(entry.own.authorize(call.arguments, message.body, message.vars))


def _refusal(call: ToolCall, reason: str) -> ToolResult:
    content = codec.write({"authorized": False, "reason": reason}).decode()
    return ToolResult(call.id, call.name, content, is_error=True)


def _unix() -> float:
    return clock.now().timestamp()
