"""A thread: the conversation of an agent that a later message goes on with, in the key-value service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from octo.ai import estimate
from octo.ai.agent import codes, compaction
from octo.ai.conversation import Assistant, Turn, as_json, turns_from, without_files
from octo.core import clock, codec
from octo.core.errors import Permanent
from octo.services.ports import Conflict, KeyValue, Lost

NAMESPACE, VOLATILE = "agent-memory", "agent-memory-volatile"
VERSION = 1
MOST_BYTES = 900_000
"""Of a stored conversation; a value of the service has at most 1 MiB."""
_LONGEST = 240
"""Of an id as it is: two of them, with what names of leases and topics have in front, are one that services take."""


@dataclass
class Waiting:
    """Calls of the last turn that wait for a person.

    requests: by the id of the request, the id of the call and until when it may be answered, in Unix time.
    unclear: calls of which it cannot be told whether they are allowed. All others are. iteration, spent: where the run
    was, so that its limits count on.
    """

    requests: dict[str, tuple[str, float]]
    unclear: tuple[str, ...] = ()
    iteration: int = 0
    spent: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Saved:
    """What is kept of a thread. tokens: of its last prompt. waiting: None unless it waits for a person."""

    turns: tuple[Turn, ...] = ()
    tokens: int = 0
    waiting: Waiting | None = None


def as_value(saved: Saved) -> dict[str, Any]:
    """The conversation for people: without what only providers need."""
    messages = [{name: each for name, each in turn.items() if name != "origin"} for turn in as_json(saved.turns)]
    requests = {} if saved.waiting is None else saved.waiting.requests
    calls = {call.id: call for turn in saved.turns if isinstance(turn, Assistant) for call in turn.calls}
    waiting = [
        {
            "authorizationId": key,
            "tool": calls[call].name,
            "toolCallId": call,
            "input": calls[call].arguments,
            "expiresInSeconds": max(0, round(until - clock.now().timestamp())),
        }
        for key, (call, until) in requests.items()
        if call in calls
    ]
    return {"messages": messages, "waiting": waiting}


def key_of(thread: str, agent: str) -> str:
    """The key of a thread of an agent. Those of one thread have the same beginning, `prefix_of`."""
    return prefix_of(thread) + _short(agent)


def prefix_of(thread: str) -> str:
    if not thread:
        raise Permanent("the id of the conversation (`memoryThreadId`) is empty", code=codes.NO_THREAD)
    return f"{_short(thread)}/"


def _short(text: str) -> str:
    written = quote(text, safe="", errors="surrogatepass")
    if len(written) <= _LONGEST:
        return written
    return "sha256-" + sha256(text.encode(errors="surrogatepass")).hexdigest()


class Memory:
    """Where a thread is kept. ttl: seconds after the last write after which it is gone; None for never.

    Invariant: nothing is written over what another run has saved. A process that stood still for a while has lost its
    lease, and may not know it yet.
    """

    def __init__(self, store: KeyValue, key: str, ttl: float | None = None, namespace: str = NAMESPACE) -> None:
        self._store = store
        self._key = key
        self._ttl = ttl
        self._namespace = namespace
        self._version = 0

    async def load(self) -> Saved:
        """The thread as it was saved last; an empty one if there is none. Raises `Permanent` if it cannot be read."""
        entry = await self._store.get(self._namespace, self._key)
        self._version = 0 if entry is None else entry.version
        if entry is None:
            return Saved()
        try:
            return _read(entry.value)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            text = "the stored conversation cannot be read; `clear-agent-memory` removes it"
            raise Permanent(text, code=codes.BAD_THREAD) from error

    async def save(self, saved: Saved) -> None:
        """Write the thread, shortened if it is too large for the service.

        Raises `Lost` if another run goes on with it.
        """
        value = next((value for value in map(_written, _shortened(saved)) if _fits(value)), None)
        if value is None:  # only then are arguments kept
            text = "the conversation is too large to be kept while its calls wait for a person"
            raise Permanent(text, code=codes.TOO_LARGE)
        try:
            await self._put(value)
        except Conflict:
            if await self._store.get(self._namespace, self._key) is not None:
                raise Lost("another run has gone on with the conversation") from None
            self._version = 0  # it was cleared
            await self._put(value)

    async def _put(self, value: object) -> None:
        self._version = await self._store.put(self._namespace, self._key, value, version=self._version, ttl=self._ttl)


def _shortened(saved: Saved) -> Iterator[Saved]:
    """The thread, and then ever less of it: first its oldest turns go, at last the insides of the newest.

    Invariant: the arguments of calls that wait for a person stay, as they will be called with them.
    """
    yield saved
    most = MOST_BYTES / estimate.CHARACTERS
    for part in (1, 2, 4, 8, 16):
        turns = compaction.pruned(tuple(map(without_files, saved.turns)), most / part)
        yield replace(saved, turns=turns)
    if saved.waiting is None:
        yield replace(saved, turns=compaction.gutted(turns))


def _fits(value: object) -> bool:
    return len(codec.write(value)) <= MOST_BYTES


def _written(saved: Saved) -> dict[str, Any]:
    value: dict[str, Any] = {"v": VERSION, "tokens": saved.tokens, "messages": as_json(saved.turns)}
    if (waiting := saved.waiting) is not None:
        requests = {key: {"call": call, "until": until} for key, (call, until) in waiting.requests.items()}
        value["waiting"] = {
            "requests": requests,
            "unclear": list(waiting.unclear),
            "iteration": waiting.iteration,
            "spent": dict(waiting.spent),
        }
    return value


def _read(value: Any) -> Saved:
    if value["v"] != VERSION:
        raise ValueError("another version")
    waiting = value.get("waiting")
    if waiting is not None:
        requests = {key: (each["call"], each["until"]) for key, each in waiting["requests"].items()}
        waiting = Waiting(requests, tuple(waiting["unclear"]), waiting["iteration"], waiting["spent"])
    return Saved(turns_from(value["messages"]), value["tokens"], waiting)


async def clear(store: KeyValue, thread: str, agent: str | None) -> None:
    """Remove the thread, of one agent or of all."""
    for namespace in (NAMESPACE, VOLATILE):
        if agent is not None:
            await store.delete(namespace, key_of(thread, agent))
            continue
        while names := (await store.list(namespace, prefix_of(thread))).names:
            for name in names:
                await store.delete(namespace, name)
