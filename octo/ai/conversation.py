"""A conversation with a model, as values that name no provider: what is asked, and what the model replies.

Everything here is JSON at heart: `as_json` and `turns_from` keep a conversation over restarts.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from itertools import chain, count
from typing import Any, Literal, NamedTuple

JsonSchema = Mapping[str, Any]

StopReason = Literal["end_turn", "tool_use", "max_tokens", "refusal", "content_filter"]
"""Why a model stopped: it was done, it wants tools called, no tokens were left, it declined, its provider cut in."""

Choice = Literal["auto", "any", "none"]
"""Which tools a model shall call: as it likes, at least one, none."""


class Attachment(NamedTuple):
    """A file beside a text. data: its bytes."""

    mime_type: str
    data: bytes
    name: str = ""


class User(NamedTuple):
    """What the flow says."""

    text: str
    attachments: tuple[Attachment, ...] = ()


class ToolCall(NamedTuple):
    """A model's wish to have a tool called.

    id: unique in its conversation. arguments: as the model wrote them if they are a JSON object, else None; then `raw`
        is the text that it wrote.
    """

    id: str
    name: str
    arguments: Mapping[str, Any] | None
    raw: str = ""


class Assistant(NamedTuple):
    """What the model said.

    origin: the provider's own form of it, as JSON, where text and calls are not all: signed thoughts must be sent back
        as they came. None if they are all, and for another provider than the one that sent it.
    """

    text: str
    calls: tuple[ToolCall, ...] = ()
    origin: Mapping[str, Any] | None = None


class ToolResult(NamedTuple):
    """What came of a call. content: text, or JSON as text. attachments: files that the tool returned."""

    id: str
    name: str
    content: str
    is_error: bool = False
    attachments: tuple[Attachment, ...] = ()


class Results(NamedTuple):
    """The results of all calls of one turn, in the order of the calls."""

    results: tuple[ToolResult, ...]


Turn = User | Assistant | Results


class Tool(NamedTuple):
    """A tool that a model may call. input: JSON Schema of its arguments, an object."""

    name: str
    description: str
    input: JsonSchema


class Ask(NamedTuple):
    """One call of a model.

    only: the tool that it must call; "" for `choice`. max_tokens: of the answer; None for what the connector says.
    schema: of the JSON that the answer must be; a provider that can enforce it does, none is relied on.
    """

    system: str
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    choice: Choice = "auto"
    only: str = ""
    max_tokens: int | None = None
    schema: JsonSchema | None = None


class Usage(NamedTuple):
    """What a call has cost. input_tokens: all of them, cached ones included. money: dollars, None if not known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    money: float | None = None

    def as_json(self) -> dict[str, object]:
        told: dict[str, object] = {"inputTokens": self.input_tokens, "outputTokens": self.output_tokens}
        if self.cached_tokens:
            told["cachedTokens"] = self.cached_tokens
        return told if self.money is None else {**told, "money": self.money}


class Reply(NamedTuple):
    """What a model replied. model: the one that did, as it calls itself."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    stop: StopReason = "end_turn"
    usage: Usage = Usage()
    model: str = ""
    thinking: str = ""
    origin: Mapping[str, Any] | None = None

    @property
    def turn(self) -> Assistant:
        """The reply as a part of the conversation."""
        return Assistant(self.text, self.calls, self.origin)


class Piece(NamedTuple):
    """A part of a reply that arrives while the model writes.

    kind: `text`, `thinking`, or `tool_input` (a part of the JSON of a call's arguments, or all of it).
    id, tool: the call that it belongs to.
    """

    kind: Literal["text", "thinking", "tool_input"]
    text: str
    id: str = ""
    tool: str = ""


def distinct(reply: Reply, turns: Iterable[Turn]) -> Reply:
    """The reply with call ids that no other call of the conversation has: some models number those of each turn anew,
    and results are told apart by them. Once an id had to change, the provider's own form of the reply is of no use.
    """
    taken = {call.id for turn in turns if isinstance(turn, Assistant) for call in turn.calls}
    calls = []
    for call in reply.calls:
        name = call.id or "call"
        found = next(each for each in chain((name,), (f"{name}_{n}" for n in count(2))) if each not in taken)
        taken.add(found)
        calls.append(call._replace(id=found))
    if all(new.id == old.id for new, old in zip(calls, reply.calls, strict=True)):
        return reply
    return reply._replace(calls=tuple(calls), origin=None)


def without_files(turn: Turn) -> Turn:
    """The turn with the names of its files in their place."""
    match turn:
        case User(text, files) if files:
            return User(f"{text}\n\n({_named(files)})")
        case Results(results) if any(each.attachments for each in results):
            return Results(tuple(map(_bare, results)))
        case _:
            return turn


def _bare(result: ToolResult) -> ToolResult:
    if not result.attachments:
        return result
    return result._replace(content=f"{result.content}\n\n({_named(result.attachments)})", attachments=())


def _named(files: Iterable[Attachment]) -> str:
    return "files that were sent: " + ", ".join(each.name or each.mime_type for each in files)


# --- as JSON -----------------------------------------------------------------------------------------------------


def as_json(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    """The turns as JSON values, from which `turns_from` makes equal ones."""
    return [_written(turn) for turn in turns]


def turns_from(value: Iterable[Mapping[str, Any]]) -> tuple[Turn, ...]:
    """The turns that were written. Raises KeyError, TypeError or ValueError for what is none."""
    return tuple(_read(each) for each in value)


def _written(turn: Turn) -> dict[str, Any]:
    match turn:
        case User(text, attachments):
            return {"role": "user", "text": text, **_files(attachments)}
        case Assistant(text, calls, origin):
            written: dict[str, Any] = {"role": "assistant", "text": text}
            if calls:
                written["calls"] = [_call(each) for each in calls]
            return written if origin is None else {**written, "origin": origin}
        case Results(results):
            return {"role": "tool", "results": [_result(each) for each in results]}


def _call(call: ToolCall) -> dict[str, Any]:
    written: dict[str, Any] = {"id": call.id, "tool": call.name}
    return {**written, "raw": call.raw} if call.arguments is None else {**written, "input": call.arguments}


def _result(result: ToolResult) -> dict[str, Any]:
    written = {"id": result.id, "tool": result.name, "content": result.content, **_files(result.attachments)}
    return {**written, "isError": True} if result.is_error else written


def _files(attachments: tuple[Attachment, ...]) -> dict[str, Any]:
    files = [
        {"mimeType": each.mime_type, "data": base64.b64encode(each.data).decode(), "name": each.name}
        for each in attachments
    ]
    return {"attachments": files} if files else {}


def _read(value: Mapping[str, Any]) -> Turn:
    match value["role"]:
        case "user":
            return User(str(value["text"]), _attached(value))
        case "assistant":
            calls = tuple(
                ToolCall(each["id"], each["tool"], each.get("input"), each.get("raw", ""))
                for each in value.get("calls", ())
            )
            return Assistant(str(value["text"]), calls, value.get("origin"))
        case "tool":
            return Results(
                tuple(
                    ToolResult(each["id"], each["tool"], each["content"], each.get("isError", False), _attached(each))
                    for each in value["results"]
                )
            )
        case role:
            raise ValueError(f"no turn has the role {role!r}")


def _attached(value: Mapping[str, Any]) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(each["mimeType"], base64.b64decode(each["data"], validate=True), each["name"])
        for each in value.get("attachments", ())
    )
