"""The bridge: a conversation in the form of pydantic-ai, and its answer in ours.

What the library adds by itself is turned off: retries, hints to the model, strict schemas. The request has what the
block asked for.
"""

from __future__ import annotations

import asyncio
import re
import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from pydantic_ai import messages as library
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from octo.ai import codes, estimate
from octo.ai.conversation import (
    Ask,
    Assistant,
    Attachment,
    Reply,
    Results,
    StopReason,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
    Usage,
    User,
)
from octo.ai.llm.wires import clients, faults, hearing
from octo.ai.llm.wires.faults import translated
from octo.ai.llm.wires.ids import Ids
from octo.ai.llm.wires.pairs import paired
from octo.ai.llm.wires.parameters import parameters
from octo.ai.model import Hear
from octo.core import codec
from octo.core.errors import OctoError, Permanent

Close = Callable[[], Awaitable[None]]
CHOICES = {"auto": "auto", "any": "required", "none": "none"}
IMAGES = frozenset(("image/gif", "image/jpeg", "image/png", "image/webp"))
_TEXTS = ("application/json", "application/xml", "application/yaml", "application/javascript", "application/x-ndjson")
_REAL = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
}
"""The media types of what many programs call otherwise."""
_NO_SCHEMAS = re.compile(
    r"(response_?.?format|json_schema).*(unavailable|support|unknown|unrecognized|not allowed|not permitted)"
    r"|(unavailable|support|unknown|unrecognized).*(response_?.?format|json_schema)",
    re.IGNORECASE | re.DOTALL,
)
"""What servers say that cannot enforce a schema, such as DeepSeek's."""
_TYPED = re.compile(r"[\w.+-]+/[\w.+-]+")


class Form(Protocol):
    """What is particular about a provider."""

    name: str
    """Of the connector's type: its own parts are sent back to it alone."""
    files: frozenset[str] | None
    """The media types of attachments that it takes besides text; None for any."""
    forcing: dict[str, Any]
    """Settings of a request that makes the model call a tool."""
    thoughts: int
    """Tokens of an answer that are for thoughts. One that may not have more is asked for as if a tool were forced."""

    def result(self, result: ToolResult) -> tuple[object, bool]:
        """The content of a tool's result, and whether the library shall mark it as failed."""
        ...

    def stop(self, response: library.ModelResponse, *, streamed: bool) -> StopReason | None:
        """Why the model stopped; None if the answer does not say so: as a stream it was cut off, else it is none."""
        ...

    def needs_back(self, part: library.ModelResponsePart, *, calls: bool) -> bool:
        """Whether the provider wants the part of its answer back as it was. calls: whether the answer has any."""
        ...


class Bridge:
    """settings: those of every request of a connector. native_schema: whether the provider can enforce a schema."""

    def __init__(self, model: Model[Any], form: Form, settings: ModelSettings, *, native_schema: bool = False) -> None:
        self._model = model
        self._form = form
        self._settings = settings
        # Of some providers not all models can.
        self._enforces = native_schema and bool(model.profile.get("supports_json_schema_output"))

    async def send(self, ask: Ask, hear: Hear | None) -> Reply:
        try:
            return await self._asked_for(ask, hear)
        except Permanent as error:
            if ask.schema is None or not self._enforces or not _NO_SCHEMAS.search(str(error)):
                raise
        self._enforces = False  # the blocks' prompts have the schema, too
        return await self._asked_for(ask, hear)

    async def _asked_for(self, ask: Ask, hear: Hear | None) -> Reply:
        settings, parameters = self._asked(ask)
        conversation = [*self._turns(ask.turns)]
        ids = Ids(ask.turns)
        try:
            async with clients.closing():
                reply = await self._sent(conversation, settings, parameters, hear, ids)
        except hearing.OfHearer as failed:
            raise failed.error from failed.error.__cause__
        except OctoError as error:
            await _release(error)
            raise
        return reply if reply.usage.input_tokens or reply.usage.output_tokens else _estimated(reply, ask)

    async def _sent(
        self,
        conversation: list[library.ModelMessage],
        settings: ModelSettings,
        parameters: ModelRequestParameters,
        hear: Hear | None,
        ids: Ids,
    ) -> Reply:
        with translated(self._model.model_name, self._model.base_url or "the provider"):
            if hear is None:
                response = await self._model.request(conversation, settings, parameters)
            else:
                async with self._model.request_stream(conversation, settings, parameters) as stream:
                    await hearing.hear(stream, hear, ids)
                    response = stream.get()
            return self._reply(response, ids, streamed=hear is not None)

    def _asked(self, ask: Ask) -> tuple[ModelSettings, ModelRequestParameters]:
        settings: dict[str, Any] = {**self._settings}
        if ask.max_tokens is not None:
            settings["max_tokens"] = ask.max_tokens
            if ask.max_tokens <= self._form.thoughts:
                settings |= self._form.forcing
        if ask.tools:
            settings["tool_choice"] = [ask.only] if ask.only else CHOICES[ask.choice]
            if ask.only or ask.choice == "any":
                settings |= self._form.forcing
        parameters = ModelRequestParameters(
            function_tools=[_tool(each) for each in ask.tools],
            instruction_parts=[library.InstructionPart(content=ask.system)] if ask.system else [],
        )
        if ask.schema is not None and self._enforces and ask.schema.get("type") == "object":
            parameters.output_mode = "native"
            parameters.output_object = OutputObjectDefinition(json_schema=dict(ask.schema), name="answer", strict=False)
        return ModelSettings(**settings), parameters  # type: ignore[typeddict-item]

    # --- there ---

    def _turns(self, turns: Iterable[Turn]) -> Iterable[library.ModelMessage]:
        for turn in turns:
            match turn:
                case User(text, attachments):
                    content: str | list[str | library.BinaryContent] = text
                    if attachments:
                        content = [*([text] if text.strip() else []), *map(self._file, attachments)]
                    yield library.ModelRequest(parts=[library.UserPromptPart(content)])
                case Assistant():
                    yield self._restored(turn) or _said(turn)
                case Results(results):
                    yield library.ModelRequest(parts=[self._result(each) for each in results])

    def _result(self, result: ToolResult) -> library.ToolReturnPart:
        """A tool may return any file: one that cannot be sent is named, and ends nothing."""
        files = [file for each in result.attachments if (file := self._taken(each)) is not None]
        if len(files) < len(result.attachments):
            left = ", ".join(each.mime_type[:80] for each in result.attachments if self._taken(each) is None)
            result = result._replace(content=f"{result.content}\n\n(files that cannot be shown to you: {left})")
        content, is_failed = self._form.result(result)
        return library.ToolReturnPart(
            result.name,
            [content, *files] if files else content,
            tool_call_id=result.id,
            outcome="failed" if is_failed else "success",
        )

    def _file(self, attachment: Attachment) -> library.BinaryContent:
        if (found := self._taken(attachment)) is not None:
            return found
        taken = ", ".join(sorted(self._form.files or ()))
        text = f"attachments of type {_kind(attachment)[:80]!r} are not taken by {self._form.name}: only text, {taken}"
        raise Permanent(text, code=codes.BAD_REQUEST)

    def _taken(self, attachment: Attachment) -> library.BinaryContent | None:
        """The file in a form that the provider takes; None if there is none."""
        mime_type = _kind(attachment)
        if self._form.files is None:
            known = mime_type if _TYPED.fullmatch(mime_type) else "application/octet-stream"
            return library.BinaryContent(attachment.data, media_type=known)
        if mime_type in self._form.files:
            return library.BinaryContent(attachment.data, media_type=mime_type)
        if mime_type.startswith("text/") or mime_type in _TEXTS:
            text = attachment.data.decode(errors="replace")
            return library.BinaryContent(text.encode(), media_type="text/plain")
        return None

    def _restored(self, turn: Assistant) -> library.ModelMessage | None:
        """The answer as its provider gave it, if it is the same provider."""
        if turn.origin is None or turn.origin.get("provider") != self._form.name:
            return None
        try:
            (message,) = library.ModelMessagesTypeAdapter.validate_python([turn.origin.get("response")])
        except ValueError:
            return None
        return message

    # --- and back ---

    def _reply(self, response: library.ModelResponse, ids: Ids, *, streamed: bool) -> Reply:
        stop = self._form.stop(response, streamed=streamed)
        if stop is None:
            raise faults.cut() if streamed else faults.malformed("there is no answer in it")
        parts = [ids.renamed(index, part) for index, part in enumerate(response.parts)]
        calls = tuple(_call(part) for part in parts if isinstance(part, library.ToolCallPart))
        if calls and stop == "end_turn":
            stop = "tool_use"
        elif not calls and stop == "tool_use":
            stop = "end_turn"
        text = "".join(part.content for part in parts if isinstance(part, library.TextPart))
        details = response.provider_details or {}
        used, named = response.usage, response.model_name
        return Reply(
            text=paired(text or str(details.get("refusal") or "")),
            calls=calls,
            stop=stop,
            usage=Usage(*map(_tokens, (used.input_tokens, used.output_tokens, used.cache_read_tokens))),
            model=named if named and isinstance(named, str) else self._model.model_name,
            thinking=paired("".join(part.content for part in parts if isinstance(part, library.ThinkingPart))),
            origin=self._origin(response, parts),
        )

    def _origin(
        self, response: library.ModelResponse, parts: Sequence[library.ModelResponsePart]
    ) -> dict[str, Any] | None:
        calls = any(isinstance(part, library.ToolCallPart) for part in parts)
        if not any(self._form.needs_back(part, calls=calls) for part in parts):
            return None
        kept = library.ModelResponse(
            parts=parts,
            model_name=response.model_name,
            provider_name=response.provider_name,
            provider_url=response.provider_url,
            canonical_system=response.canonical_system,
            provider_response_id=response.provider_response_id,
        )
        (written,) = library.ModelMessagesTypeAdapter.dump_python([kept], mode="json", exclude_none=True)
        return {"provider": self._form.name, "response": written}


def _kind(attachment: Attachment) -> str:
    mime_type = attachment.mime_type.partition(";")[0].strip().lower()
    return _REAL.get(mime_type, mime_type)


def _said(turn: Assistant) -> library.ModelResponse:
    parts: list[library.ModelResponsePart] = [library.TextPart(turn.text)] if turn.text.strip() else []
    for call in turn.calls:
        arguments = call.raw if call.arguments is None else dict(call.arguments)
        parts.append(library.ToolCallPart(call.name, arguments, tool_call_id=call.id))
    return library.ModelResponse(parts=parts)


def _tool(tool: Tool) -> ToolDefinition:
    return ToolDefinition(
        name=tool.name, description=tool.description, parameters_json_schema=parameters(tool.input), strict=False
    )


def _tokens(count: object) -> int:
    if not isinstance(count, int) or count < 0:
        raise faults.malformed(f"{str(count)[:20]!r} as a number of tokens")
    return count


def _estimated(reply: Reply, ask: Ask) -> Reply:
    """The reply of a server that does not tell what it has cost: no budget may be passed unseen."""
    written = len(reply.text) + len(reply.thinking)
    written += sum(
        len(each.raw) if each.arguments is None else len(codec.write(each.arguments)) for each in reply.calls
    )
    return reply._replace(usage=Usage(estimate.request(ask), estimate.text(written)))


def _call(part: library.ToolCallPart) -> ToolCall:
    name: object = part.tool_name
    if not isinstance(name, str) or not name:
        raise faults.malformed("a call of a tool without a name")
    arguments = part.args
    if isinstance(arguments, str):
        raw = arguments
        try:
            arguments = codec.read(raw) if raw.strip() else {}
        except codec.NotJson:
            arguments = None
        if not isinstance(arguments, dict):
            return ToolCall(part.tool_call_id, part.tool_name, None, raw)
    return ToolCall(part.tool_call_id, part.tool_name, arguments or {})


async def _release(error: BaseException) -> None:
    """Let go of the streams that the frames of an error hold.

    Nobody reads them further, and nobody has closed them: they close by themselves once they are gone. Until then their
    connections are open, and a loop that ends meanwhile complains.
    """
    cause: BaseException | None = error
    while cause is not None:
        traceback.clear_frames(cause.__traceback__)
        cause = cause.__cause__
    await asyncio.sleep(0)


# --- what most providers share -----------------------------------------------------------------------------------


def raw_reason(response: library.ModelResponse) -> str:
    """Why the model stopped, in the provider's own word; "" if it has not said."""
    return str((response.provider_details or {}).get("finish_reason") or "")


def refused(response: library.ModelResponse) -> bool:
    return bool((response.provider_details or {}).get("refusal"))


STOPS: dict[str | None, StopReason] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "content_filter",
    "tool_call": "tool_use",
}
"""Of the library's words."""
