"""A model's answer: whether it is whole, and the JSON in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, Self

from octo.ai import codes
from octo.ai.conversation import Reply, StopReason
from octo.ai.quoted import quoted
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

    advice: what the model is told if it may try again; "" if telling it is no use.
    """

    advice = ""

    @classmethod
    def of(cls, reply: Reply, text: str, code: str, advice: str = "") -> Self:
        """The error of a reply."""
        told: dict[str, object] = {"text": bounded(reply.text, MOST_TOLD), "stopReason": reply.stop}
        if reply.model:
            told["model"] = reply.model
        error = cls(text, code=code, vars={"ai": {**told, "usage": reply.usage.as_json()}})
        error.advice = advice
        return error

    def telling(self, details: Mapping[str, object]) -> Self:
        """The same error, whose `vars.ai` has these details too."""
        known = self.vars["ai"]
        assert isinstance(known, dict)
        self.vars = {"ai": {**known, **details}}
        return self


class _Cut(NamedTuple):
    code: str
    text: str


_CUTS: dict[StopReason, _Cut] = {
    "refusal": _Cut(codes.REFUSED, "model refused"),
    "max_tokens": _Cut(codes.TRUNCATED, "response was cut off, because no tokens were left"),
    "content_filter": _Cut(codes.FILTERED, "the provider's filter stopped the response"),
}


def reason_of(reply: Reply) -> Unusable | None:
    """Why the reply is no whole answer; None if it is one, or asks for tools."""
    cut = _CUTS.get(reply.stop)
    if cut is None:
        return None
    said = f": {bounded(reply.text, 200)}" if cut.code == codes.REFUSED and reply.text else ""
    return Unusable.of(reply, cut.text + said, cut.code)


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
        reason = str(error).removeprefix("not valid JSON: ")
        advice = f"Your answer is not valid JSON: {reason}. Answer with the JSON value alone, without any other text."
        raise Unusable.of(reply, f"response is not valid JSON: {reason}", codes.NOT_JSON, advice) from None


def fitting(reply: Reply, schema: Fitting | None) -> Any:
    """The JSON value that the whole answer is, and that fits the schema, if there is one. Raises `Unusable`."""
    value = parsed(reply)
    faults = [] if schema is None else schema.faults(value)
    if not faults:
        return value
    told = "\n".join(map(str, faults))
    # The names in it are the model's own words, which may be those of a document that it has read.
    faults_told = quoted("faults", told)
    advice = (
        f"Your answer does not fit the JSON Schema:\n{faults_told}\nAnswer with the whole corrected JSON value alone."
    )
    text = f"output failed schema validation: {told.replace(chr(10), '; ')}"
    raise Unusable.of(reply, text, codes.MISFIT, advice)
