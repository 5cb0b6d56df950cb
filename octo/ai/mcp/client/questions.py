"""What a tool asks before it can go on (elicitation), and the answers to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from octo.ai.mcp.client import codes
from octo.ai.mcp.client.plain import plain
from octo.core.errors import Permanent
from octo.core.json_schema import BadSchema, Schema


class Question(NamedTuple):
    """One question. name: the server's word for it. schema: of the answer, for a form. url: where a person must go."""

    name: str
    message: str
    schema: Mapping[str, Any] | None = None
    url: str | None = None

    def as_json(self) -> dict[str, object]:
        told: dict[str, object] = {"name": self.name, "message": self.message}
        return {**told, "url": self.url} if self.schema is None else {**told, "schema": self.schema}


class InputRequired(Permanent):
    """A tool needs answers, and nobody is there who gives them. Its variables have all that a second call needs."""

    code = codes.INPUT_REQUIRED

    def __init__(self, what: str, questions: Sequence[Question], state: str | None) -> None:
        told = "; ".join(f"{each.name}: {each.message}" for each in questions)
        super().__init__(
            f"{what} asks for input: {told}",
            vars={"questions": [each.as_json() for each in questions], "requestState": state},
        )


def accepted(question: Question, answer: object) -> dict[str, object] | None:
    """The content of an answer with the defaults of what it leaves out, None if it declines.

    Raises `Permanent` if it does not fit the question.
    """
    if answer is None or answer is False:
        return None
    if question.schema is None:
        return {}
    if not isinstance(answer, Mapping):
        raise _wrong(question, "it is no map, and not null to decline")
    properties = question.schema.get("properties")
    known = properties.items() if isinstance(properties, Mapping) else ()
    defaults = {name: each["default"] for name, each in known if isinstance(each, Mapping) and "default" in each}
    content = plain(defaults | dict(answer), f"the answers to {question.name!r}")
    try:
        faults = Schema(dict(question.schema)).faults(content)
    except BadSchema:
        faults = []
    if faults:
        raise _wrong(question, "; ".join(map(str, faults)))
    return content


def _wrong(question: Question, reason: str) -> Permanent:
    return Permanent(f"the answer to {question.name!r} does not fit: {reason}", code=codes.BAD_ARGUMENTS)
