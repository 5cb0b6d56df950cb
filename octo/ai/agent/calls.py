"""The calls of an agent's tools: beside one another as far as they may, and no longer than the run lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from octo.ai.agent.mail import Mail
from octo.ai.agent.settings import AgentSettings
from octo.ai.agent.toolbox import Answer, Toolbox
from octo.ai.conversation import ToolCall
from octo.core import budget
from octo.core.block import Site
from octo.core.message import Message

T = TypeVar("T")


class Calls:
    """Makes the calls of a run. made: all so far, for `vars.ai`."""

    def __init__(self, settings: AgentSettings, tools: Toolbox, site: Site, mail: Mail | None) -> None:
        self._parallel = settings.parallel
        self._tools = tools
        self._site = site
        self._mail = mail
        self.made: list[dict[str, object]] = []

    async def answers(self, calls: Sequence[ToolCall], message: Message) -> AsyncIterator[Answer]:
        """Yield the answers of the calls of one turn, each with the message as it is then.

        Raises `Stopped` if the run is to end, and what `Toolbox.call` raises.
        """
        for call in calls:
            budget.used_tool(call.name)
        number = len(self.made)
        self.made += [{"tool": call.name, "id": call.id} for call in calls]
        if self._parallel == 1:
            for at, call in enumerate(calls):
                answer = await self._interruptibly(partial(self._tools.call, call, message, number + at))
                message = answer.message or message
                yield answer
            return
        works = [(call, partial(self._tools.call, call, message, number + at)) for at, call in enumerate(calls)]
        found = await self._gathered([work for call, work in works if self._is_parallel(call)], message)
        found += [await self._interruptibly(work) for call, work in works if not self._is_parallel(call)]
        for answer in found:
            yield answer._replace(message=_only_body(message, answer.message))

    def _is_parallel(self, call: ToolCall) -> bool:
        entry = self._tools.find(call.name)
        return entry is None or entry.is_parallel

    async def _gathered(self, works: Sequence[Callable[[], Awaitable[Answer]]], message: Message) -> list[Answer]:
        """Do the works beside one another, as far as the flow's pool allows."""
        answers: dict[int, Answer] = {}

        async def one(at: int, work: Callable[[], Awaitable[Answer]]) -> Message:
            answers[at] = await work()
            return message

        branches = [partial(one, at, work) for at, work in enumerate(works)]

        async def all_of_them() -> None:
            gathered = self._site.pool.gather(branches, self._parallel)
            if not isinstance(gathered, list):
                await gathered

        await self._interruptibly(all_of_them)
        return [answers[at] for at in range(len(works))]

    async def _interruptibly(self, work: Callable[[], Awaitable[T]]) -> T:
        if self._mail is None:
            return await work()
        async with self._mail.interruptible():
            return await work()


def _only_body(base: Message, branch: Message | None) -> Message | None:
    """Of calls that run beside one another the body goes on, the variables do not."""
    return None if branch is None else base.with_body(branch.body, raw=branch.raw)
