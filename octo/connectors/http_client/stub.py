"""The stub of a server in a test: a list of its answers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from octo.connectors.http_client.cassette import FORM
from octo.connectors.http_client.paths import complain
from octo.connectors.http_client.settings import HeaderName, HeaderValue, Method
from octo.core.cassette import Replayed
from octo.core.durations import Duration
from octo.core.expressions import Expr, Names
from octo.core.settings import Settings


def _word(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Word = Annotated[str, BeforeValidator(_word), WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""A text. A number or boolean becomes its text."""

ANYTHING = re.compile(r"(\{\w+\}|\*)")


class Answer(Settings):
    """One answer, and the requests that get it."""

    method: Method | None = None
    """Method of the request. Default: any."""
    path: str | None = None
    """Path of the request below the connector's `baseURL`, as in a `rest` block; `{name}` stands for one segment, `*`
    for any text. For a request elsewhere, such as one for a token, write the whole path or the address:
    `https://login.example.com/token`. Default: any."""
    query: dict[str, Word | list[Word]] = Field(default_factory=dict)
    """Query parameters that the request must have; it may have others. Of one that is repeated, the first value or a
    list of all."""
    when: Annotated[Expr[bool], Names("request")] | None = None
    """A condition on `request`: its `method`, `path`, `query`, `queryAll` (lists), `headers` (names in lower case) and
    `body`, e.g. `request.body.quantity > 1`."""
    status: int = Field(default=200, ge=200, le=599)
    """Status of the answer. Redirects are not followed: give the answer that they lead to."""
    headers: dict[HeaderName, Annotated[HeaderValue, BeforeValidator(_word)]] = Field(default_factory=dict)
    """Headers of the answer. The type of the body is added."""
    body: object = None
    """Body of the answer, sent as JSON. Default: none."""
    text: str | bytes | None = None
    """Body of the answer as it is: a text, in the charset of a `Content-Type` under `headers`, or bytes
    (`!!binary`)."""
    error: Literal["connect", "timeout", "broken"] | None = None
    """Fail instead: no connection, no answer in time (without a wait), or a connection that breaks before it."""
    delay: Duration = timedelta()
    """How long the answer takes. Longer than the connector's `timeout`, the request fails with a timeout. With
    `clock: virtual` the test does not really wait."""
    times: int | None = Field(default=None, ge=1)
    """How many requests get this answer; later ones get the next that fits. Default: all."""

    @field_validator("path")
    @classmethod
    def _is_a_pattern(cls, path: str | None) -> str | None:
        if path is None:
            return None
        if not re.match(r"/|\*|https?://", path):
            raise complain(f"a path starts with a slash: write `/{path}`")
        if "?" in path:
            raise complain("write what follows the `?` under `query`")
        if re.search(r"[{}]", ANYTHING.sub("", path)):
            raise complain("in a path `{name}` stands for one segment and `*` for any text; other braces mean nothing")
        return path

    @model_validator(mode="after")
    def _one_outcome(self) -> Answer:
        if "body" in self.model_fields_set and self.text is not None:
            raise complain("an answer has one body: write `body` or `text`")
        for name in ("status", "headers", "body", "text"):
            if self.error is not None and name in self.model_fields_set:
                raise complain(f"with `error` there is no answer: remove `{name}`")
        return self

    @property
    def label(self) -> str:
        """The requests that get it, for messages."""
        return f"{self.method or 'any method'} {self.path or 'any path'}"


class Stub(Replayed):
    """A list of answers in place of a server, or a cassette. Credentials, cache, retries and limits of the connector
    are real.
    """

    form = FORM

    answers: list[Answer] = Field(default_factory=list)
    """The answers, in order: the first that fits a request is given. They win over a cassette."""
