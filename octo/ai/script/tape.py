"""A model whose replies are recorded on a cassette, at the port: the same for all providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from octo.ai.conversation import Ask, Reply, StopReason, ToolCall, Turn, Usage, as_json
from octo.ai.model import Embedded, Hear, Wire
from octo.ai.script.wire import stream
from octo.core.cassette import Plain, Player

_SHORTEST_FILE = 1000
"""Characters of base64 from which on a file is recorded by its digest."""


class TapedWire:
    """Plays a cassette. real: the provider, None while nothing may be called."""

    def __init__(self, player: Player, model: str, max_tokens: int | None, real: Wire | None) -> None:
        self._player = player
        self.model = model
        self.max_tokens = max_tokens
        self._real = real

    async def send(self, ask: Ask, hear: Hear | None) -> Reply:
        """Return the recorded reply to the request, or the provider's."""
        called = False

        async def call() -> Reply:
            nonlocal called
            called = True
            assert self._real is not None
            return await self._real.send(ask, hear)

        reply = await self._player.play(asked(ask, self.model), call, write=written, read=replied)
        if hear is not None and not called:
            await stream(reply, hear)
        return reply

    async def embed(self, texts: Sequence[str], model: str, dimensions: int | None) -> Embedded:
        """Return the recorded vectors of the texts, or the provider's."""

        async def call() -> Embedded:
            assert self._real is not None
            return await self._real.embed(texts, model, dimensions)

        request: dict[str, object] = {"model": model, "texts": list(texts)}
        if dimensions is not None:
            request["dimensions"] = dimensions
        return await self._player.play(request, call, write=_vectors, read=_embedded)


def asked(ask: Ask, model: str) -> Plain:
    """Return a request as a cassette has it."""
    found: dict[str, Any] = {"model": model}
    if ask.system:
        found["system"] = ask.system
    found["messages"] = _numbered(ask.turns)
    if ask.tools:
        found["tools"] = [
            {"name": each.name, "description": each.description, "input": dict(each.input)} for each in ask.tools
        ]
    if ask.choice != "auto":
        found["choice"] = ask.choice
    if ask.only:
        found["only"] = ask.only
    if ask.max_tokens is not None:
        found["maxTokens"] = ask.max_tokens
    if ask.schema is not None:
        found["schema"] = dict(ask.schema)
    return found


def _numbered(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Return the conversation without what is new each time: ids of calls, and the provider's form of a reply."""
    numbers: dict[str, int] = {}
    messages = as_json(turns)
    for message in messages:
        message.pop("origin", None)
        for each in (*message.get("calls", ()), *message.get("results", ())):
            each["id"] = numbers.setdefault(each["id"], len(numbers) + 1)
        for holder in (message, *message.get("results", ())):
            for file in holder.get("attachments", ()):
                if len(file["data"]) >= _SHORTEST_FILE:
                    file["data"] = f"sha256:{sha256(file['data'].encode()).hexdigest()}"
    return messages


def written(reply: Reply) -> Plain:
    """Return a reply as a cassette has it."""
    found: dict[str, Any] = {}
    if reply.thinking:
        found["thinking"] = reply.thinking
    if reply.text or not reply.calls:
        found["text"] = reply.text
    if reply.calls:
        found["calls"] = [_call(each) for each in reply.calls]
    found |= {"stop": reply.stop, "model": reply.model, "usage": _cost(reply.usage)}
    if reply.origin is not None:
        found["origin"] = dict(reply.origin)
    return found


def _call(call: ToolCall) -> dict[str, Any]:
    told = {"raw": call.raw} if call.arguments is None else {"arguments": dict(call.arguments)}
    return {"id": call.id, "tool": call.name, **told}


def _cost(usage: Usage) -> dict[str, object]:
    return usage._replace(money=None).as_json()


def replied(plain: Mapping[str, Any]) -> Reply:
    """Return the reply that a cassette has."""
    calls = tuple(
        ToolCall(each["id"], each["tool"], each.get("arguments"), each.get("raw", ""))
        for each in plain.get("calls") or ()
    )
    stop: StopReason = plain.get("stop") or ("tool_use" if calls else "end_turn")
    return Reply(
        plain.get("text") or "",
        calls,
        stop,
        _usage(plain),
        plain.get("model") or "",
        plain.get("thinking") or "",
        plain.get("origin"),
    )


def _usage(plain: Mapping[str, Any]) -> Usage:
    told = plain.get("usage") or {}
    return Usage(told.get("inputTokens", 0), told.get("outputTokens", 0), told.get("cachedTokens", 0))


def _vectors(embedded: Embedded) -> Plain:
    lines = [" ".join(f"{each:.7g}" for each in vector) for vector in embedded.vectors]
    return {"vectors": lines, "usage": _cost(embedded.usage)}


def _embedded(plain: Mapping[str, Any]) -> Embedded:
    vectors = tuple(tuple(map(float, line.split())) for line in plain.get("vectors") or ())
    return Embedded(vectors, _usage(plain))


_: type[Wire] = TapedWire
