"""Agents: a model that calls tools until it has an answer, with a memory, and people who steer and allow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from octo.ai.agent import codes
from octo.ai.agent.brief import question
from octo.ai.agent.mail import Letter, Mail, Mailbox
from octo.ai.agent.run import Run
from octo.ai.agent.settings import AgentSettings, Clear, Read
from octo.ai.agent.thread import NAMESPACE, VOLATILE, Memory, Saved, as_value, clear, key_of
from octo.ai.model import FAMILY, Model
from octo.core import clock
from octo.core.block import Site, block
from octo.core.budget import Meter
from octo.core.errors import OctoError, Overloaded
from octo.core.flow import Outcome, Stop
from octo.core.message import Message, new_id
from octo.core.spending import spending
from octo.services.leasing import held
from octo.services.ports import KeyValue, Leases, Topics

__all__ = ["ai_agent", "clear_agent_memory", "read_agent_memory"]

TTL = 10.0
"""Seconds after which another process may go on with a thread whose process is gone."""
PAUSE, LONGEST_PAUSE = 0.01, 0.5
"""Seconds between looks whether a run has seen a letter; a run that begins, ends or is gone needs another one."""


@block("ai-agent", connector=FAMILY, guarantee="answered", steps=("send", "confirm"))
async def ai_agent(
    model: Model,
    settings: AgentSettings,
    message: Message,
    site: Site,
    store: KeyValue,
    leases: Leases,
    topics: Topics,
) -> Outcome:
    """Let a model work on the message with tools, until it has an answer, which becomes the body.

    Each turn is one call of the model. What it wants called is checked against the schema of the tool; a fault goes
    back to it, and so does what fails in a tool. If the model refuses, or comes to no end, `default` runs; without one
    that is an error. With `memoryThreadId` a later message goes on with the conversation, and a message that comes
    while it is under way is a further question to it, a stop, or the answer to a request for approval.
    """
    meter = settings.meter(site)
    if settings.memory_thread_id is None:
        return await spending(meter, Run(model, settings, message, site, meter).begin(Saved()))
    key = key_of(settings.memory_thread_id(message), settings.agent_id or site.address)
    letter, box = _letter(settings, message), Mailbox(store, topics, key)
    is_posted, pause = False, PAUSE
    while True:
        lease = await leases.acquire(f"agent/{key}", TTL)
        if lease is not None:
            async with held(leases, lease, TTL):
                if is_posted and not await box.withdraw(letter):
                    return Stop(message.with_body({}))
                thread = _Thread(store, topics, key, settings, partial(leases.renew, lease, TTL))
                return await spending(meter, thread.run(model, message, site, meter, letter))
        if settings.join == "refuse" and letter["kind"] == "question":
            raise Overloaded("the conversation is under way", code=codes.BUSY)
        if not letter.get("files"):  # which no mailbox takes: such a question waits for a run of its own
            is_posted = is_posted or await box.post(letter)
        if is_posted and await box.is_seen(letter):
            return Stop(message.with_body({}))
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


@block("read-agent-memory")
async def read_agent_memory(settings: Read, message: Message, store: KeyValue) -> Message:
    """Read a conversation, for a page that shows it again: `{messages, waiting}`.

    A message has a `role` (`user`, `assistant`, `tool`) and a `text`, `calls` or `results`. `waiting` lists the calls
    that a person must allow: `authorizationId`, `tool`, `toolCallId`, `input`, `expiresInSeconds`.
    """
    key = key_of(settings.thread_id(message), settings.agent_id)
    kept = await Memory(store, key).load()
    shown = as_value(kept if kept.turns else await Memory(store, key, namespace=VOLATILE).load())
    return message.with_var(settings.as_, shown) if settings.as_ else message.with_body(shown)


@block("clear-agent-memory")
async def clear_agent_memory(settings: Clear, message: Message, store: KeyValue) -> Message:
    """Forget a conversation. Nothing happens if there is none. A run that is under way goes on, and saves it again."""
    await clear(store, settings.thread_id(message), settings.agent_id)
    return message


def _letter(settings: AgentSettings, message: Message) -> Letter:
    """What the message is to a run of its thread: a stop, an answer, or a question."""
    if settings.stop_when is not None and settings.stop_when(message):
        return {"id": new_id(), "kind": "stop"}
    asked = None if settings.authorize_id is None else settings.authorize_id(message)
    if asked not in (None, "") and settings.authorize_allow is not None:
        allow, at = settings.authorize_allow(message), clock.now().timestamp()
        return {"id": new_id(), "kind": "decision", "request": str(asked), "allow": allow, "at": at}
    files = settings.attachments is not None and bool(settings.attachments(message))
    return {"id": new_id(), "kind": "question", "text": question(settings, message), "files": files}


class _Thread:
    """A thread that nobody works on. owned: raises `Lost` once another process may work on it."""

    def __init__(
        self,
        store: KeyValue,
        topics: Topics,
        key: str,
        settings: AgentSettings,
        owned: Callable[[], Awaitable[None]],
    ) -> None:
        ttl = None if settings.memory_ttl is None else settings.memory_ttl.total_seconds()
        namespace = VOLATILE if settings.memory_volatile else NAMESPACE
        self._memory = Memory(store, key, ttl, namespace)
        self._mail = Mail(store, topics, key)
        self._settings = settings
        self._key = key
        self._owned = owned

    async def run(self, model: Model, message: Message, site: Site, meter: Meter, letter: Letter) -> Outcome:
        """Deal with the message: begin a run, or go on with one that waited for a person when its process ended."""
        saved = await self._memory.load()
        waiting = saved.waiting
        if letter["kind"] == "stop":
            if waiting is not None:
                await self._memory.save(Saved(saved.turns, saved.tokens))  # its calls count as interrupted
            return Stop(message.with_body({}))
        if letter["kind"] == "decision" and (waiting is None or letter["request"] not in waiting.requests):
            return Stop(message.with_body({}))  # nobody waits for it any more
        run = Run(model, self._settings, message, site, meter, self._memory, self._mail, self._key)
        async with self._taking_mail():
            if waiting is None:
                return await run.begin(saved)
            self._mail.take(letter)
            return await run.resume(saved)

    @asynccontextmanager
    async def _taking_mail(self) -> AsyncIterator[None]:
        try:
            async with self._mail.open():
                yield
        finally:
            with suppress(OctoError):  # then the mailbox is the next owner's
                await self._owned()
                await self._mail.abandon()
