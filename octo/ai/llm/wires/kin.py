"""Chat Completions as servers speak them that are not OpenAI's: what they leave out, repeat or number in their own way.

What a server has left out is filled in where there is one meaning; all else stays, and is refused as before.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from openai import AsyncOpenAI
from openai.resources.embeddings import AsyncEmbeddings
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import Choice, ChoiceDeltaToolCall
from pydantic_ai.exceptions import ModelAPIError, ModelHTTPError
from pydantic_ai.messages import ModelResponseStreamEvent
from pydantic_ai.models.ollama import OllamaModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIStreamedResponse
from pydantic_ai.models.openrouter import OpenRouterModel, OpenRouterStreamedResponse
from pydantic_ai.usage import RequestUsage

from octo.ai.conversation import StopReason
from octo.core import codec

STOPS: dict[str, StopReason] = {
    "max_tokens": "max_tokens",
    "model_length": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "sensitive": "content_filter",
    "safety": "content_filter",
    "guardrail_intervened": "content_filter",
}
"""Words for why a model stopped that are not OpenAI's. What is not here is the end of an answer."""
BROKEN = frozenset(("error", "abort", "aborted", "network_error", "insufficient_system_resource"))
"""Words for an answer that is none."""
THOUGHTS = ("reasoning", "reasoning_content")
"""The fields of an answer that have thoughts."""


class _Kin(OpenAIChatModel):
    def _validate_completion(self, response: ChatCompletion) -> Any:
        answer = response.model_dump(warnings=False)
        if not answer.get("choices") and (error := answer.get("error")):
            raise _reported(error, self.model_name)
        return super()._validate_completion(ChatCompletion.model_construct(**_filled(answer)))

    @property
    def _streamed_response_cls(self) -> type[OpenAIStreamedResponse]:
        return _Stream


class Chat(_Kin):
    """OpenAI's, and that of all servers without a class of their own."""


class Ollama(_Kin, OllamaModel):
    """Ollama's."""


class OpenRouter(OpenRouterModel):
    """OpenRouter's, which passes on what its providers send."""

    @property
    def _streamed_response_cls(self) -> type[OpenRouterStreamedResponse]:
        return _RouterStream


# --- whole answers -----------------------------------------------------------------------------------------------


def _filled(answer: dict[str, Any]) -> dict[str, Any]:
    choices = [
        {**choice, "index": at, "message": _message(choice["message"])}
        for at, choice in enumerate(answer.get("choices") or ())
    ]
    known = {"id": answer.get("id") or "", "object": "chat.completion", "created": answer.get("created") or 0}
    return {**answer, **known, "choices": choices, "usage": _counted(answer.get("usage"))}


def _message(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, str) and "</think>" in content and "<think>" not in content:
        content = f"<think>{content}"  # the server has put it at the end of its prompt
    calls = [_call(each) for each in message.get("tool_calls") or ()]
    return {**message, "role": "assistant", "content": content, "tool_calls": calls}


def _call(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        arguments = "" if arguments is None else codec.write(arguments).decode()
    return {**call, "id": call.get("id") or "", "type": "function", "function": {**function, "arguments": arguments}}


def _counted(usage: Any) -> Any:
    """The usage; None, so that it is estimated, if a number is neither there nor the rest of the others."""
    if not isinstance(usage, dict):
        return usage
    asked, said, total = (usage.get(f"{name}_tokens") for name in ("prompt", "completion", "total"))
    said = _written(asked, said, total)
    if asked is None or said is None:
        return None
    return {**usage, "prompt_tokens": asked, "completion_tokens": said, "total_tokens": total or asked + said}


def _written(asked: Any, said: Any, total: Any) -> Any:
    """The tokens of an answer: some servers count its thoughts in the total alone."""
    if not isinstance(asked, int) or not isinstance(total, int):
        return said
    return max(total - asked, said if isinstance(said, int) else 0)


def _reported(error: Any, model: str) -> ModelAPIError:
    """What an answer with the status 200 says of its failure."""
    status = error.get("code") if isinstance(error, dict) else None
    if isinstance(status, int) and 400 <= status <= 599:
        return ModelHTTPError(status, model, {"error": error})
    said = error.get("message") if isinstance(error, dict) else error
    return ModelAPIError(model, str(said))


# --- vectors -----------------------------------------------------------------------------------------------------


class Sdk(AsyncOpenAI):
    """The vendor's client, which gives vectors in the order of their texts."""

    @cached_property
    def embeddings(self) -> AsyncEmbeddings:
        return _Embeddings(self)


class _Embeddings(AsyncEmbeddings):
    async def create(self, **asked: Any) -> CreateEmbeddingResponse:
        """The API says which vector is of which text, and in no order."""
        answer = await super().create(**asked)
        numbers = {each.index: each for each in answer.data}
        if sorted(numbers) == [*range(len(answer.data))]:
            answer.data = [numbers[at] for at in range(len(answer.data))]
        return answer


# --- streams -----------------------------------------------------------------------------------------------------


class _Stream(OpenAIStreamedResponse):
    @cached_property
    def _numbered(self) -> _Numbered:
        return _Numbered()

    def _map_tool_call_delta(self, choice: Choice) -> Iterable[ModelResponseStreamEvent]:
        for each in choice.delta.tool_calls or ():
            self._numbered.settle(each)
        return super()._map_tool_call_delta(choice)

    def _map_usage(self, response: ChatCompletionChunk) -> RequestUsage:
        if (usage := response.usage) is not None:
            usage.completion_tokens = _written(usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)
        return super()._map_usage(response)

    def _add_usage(self, usage: RequestUsage, *, reported: bool, cumulative: bool = False) -> None:  # noqa: ARG002
        """Some servers count in each piece what there was so far, or say it twice: the most is all."""
        if reported and usage.total_tokens >= self._usage.total_tokens:
            super()._add_usage(usage, reported=True, cumulative=True)


class _RouterStream(_Stream, OpenRouterStreamedResponse):
    pass


class _Numbered:
    """The calls of a stream, each with a number of its own: some servers give all of them the same."""

    def __init__(self) -> None:
        self._calls: dict[int, _Begun] = {}

    def settle(self, part: ChoiceDeltaToolCall) -> None:
        """Give a part of a call the number of its call, and its name and id only once."""
        index: int | None = part.index
        if index is None or part.function is None:
            return
        call = self._calls.get(index)
        if call is None or call.is_over(part):
            number = index if call is None else -1 - len(self._calls)
            call = self._calls[index] = _Begun(number)
            if number != index:
                self._calls[number] = call
        call.take(part)


class _Begun:
    def __init__(self, number: int) -> None:
        self._number = number
        self._name = ""
        self._id = ""
        self._written: list[str] = []

    def is_over(self, part: ChoiceDeltaToolCall) -> bool:
        """Whether the part is the first one of another call."""
        if not (self._name and part.function and part.function.name):
            return False
        if part.id and self._id:
            return part.id != self._id
        try:
            return isinstance(codec.read("".join(self._written)), dict)
        except codec.NotJson:
            return False

    def take(self, part: ChoiceDeltaToolCall) -> None:
        assert part.function is not None
        part.index = self._number
        written: object = part.function.arguments
        if written == "{}" and not self._written:  # the arguments may come yet; without any it is the same
            part.function.arguments = ""
        elif self._written == ["{}"]:
            self._written.clear()
        if written is not None:
            self._written.append(written if isinstance(written, str) else codec.write(written).decode())
        if part.function.name == self._name:
            part.function.name = None
        if self._id:
            part.id = None
        self._name += part.function.name or ""
        self._id = self._id or part.id or ""
