"""A model's answer: whether it is whole, and the JSON in it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Protocol

from octo.ai import codes
from octo.ai.conversation import Reply, StopReason
from octo.core import codec
from octo.core.bounded import bounded
from octo.core.errors import Permanent

MOST_TEXT = 4 * 1024 * 1024
"""Characters of an answer that is read as JSON. No model writes as many."""
MOST_TOLD = 64_000
"""Characters of an answer that an error keeps in `vars.ai`."""

_FENCED = re.compile(r"```[ \t]*(?:json)?[ \t]*\r?\n(.*?)\r?\n?[ \t]*```", re.DOTALL | re.IGNORECASE)


class Fitting(Protocol):
    """A schema, as far as an answer has to fit it."""

    def faults(self, value: object) -> list[Any]: ...


class Unusable(Permanent):
    """An answer that is not what was asked for; its code says why. `vars.ai` has the answer.

    reply: the answer. advice: what the model is told if it may try again; "" if telling it is no use.
    """

    def __init__(self, text: str, code: str, reply: Reply, advice: str = "") -> None:
        self.reply = reply
        self.advice = advice
        told: dict[str, object] = {"text": bounded(reply.text, MOST_TOLD), "stopReason": reply.stop}
        if reply.model:
            told["model"] = reply.model
        super().__init__(text, code=code, vars={"ai": {**told, "usage": reply.usage.as_json()}})


class _Cut(NamedTuple):
    code: str
    text: str


_CUTS: dict[StopReason, _Cut] = {
    "refusal": _Cut(codes.REFUSED, "the model refused to answer"),
    "max_tokens": _Cut(codes.TRUNCATED, "the answer was cut off, because no tokens were left"),
    "content_filter": _Cut(codes.FILTERED, "the provider's filter stopped the answer"),
}


def reason_of(reply: Reply) -> Unusable | None:
    """Why the reply is no whole answer; None if it is one, or asks for tools."""
    cut = _CUTS.get(reply.stop)
    if cut is None:
        return None
    said = f": {bounded(reply.text, 200)}" if cut.code == codes.REFUSED and reply.text else ""
    return Unusable(cut.text + said, cut.code, reply)


def whole(reply: Reply) -> str:
    """The text of a whole answer. Raises `Unusable` if it is refused, cut off or filtered."""
    if (reason := reason_of(reply)) is not None:
        raise reason
    return reply.text


def unfenced(text: str) -> str:
    """The text without the fence of three backticks that is around the whole of it."""
    text = text.strip()
    fenced = _FENCED.fullmatch(text)
    return text if fenced is None or "```" in fenced[1] else fenced[1]


def parsed(reply: Reply) -> Any:
    """The JSON value that the whole answer is, in a fence or without. Raises `Unusable`."""
    text = unfenced(whole(reply))
    try:
        if len(text) > MOST_TEXT:
            raise codec.NotJson(f"it has more than {MOST_TEXT:,} characters")
        codec.check_keys(text)
        return codec.read(text)
    except codec.NotJson as error:
        advice = f"Your answer is no JSON: {error}. Answer with the JSON value alone, without any other text."
        raise Unusable(f"the answer is no JSON: {error}", codes.NOT_JSON, reply, advice) from None


def fitting(reply: Reply, schema: Fitting | None) -> Any:
    """The JSON value that the whole answer is, and that fits the schema, if there is one. Raises `Unusable`."""
    value = parsed(reply)
    faults = [] if schema is None else schema.faults(value)
    if not faults:
        return value
    told = listed(faults)
    advice = f"Your answer does not fit the JSON Schema:\n{told}\nAnswer with the whole corrected JSON value alone."
    raise Unusable(f"the answer does not fit the schema: {told.replace(chr(10), '; ')}", codes.MISFIT, reply, advice)


def listed(faults: list[Any]) -> str:
    """The faults of a value, a line for each, for the model that wrote it."""
    return "\n".join(f"{each.pointer or 'the value'}: {each.message}" for each in faults)
