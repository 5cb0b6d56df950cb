"""The settings of the blocks `rest` and `rest-dynamic`: what is sent, and what becomes of the answer."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from octo.connectors.http_client.follow import Follow
from octo.connectors.http_client.paths import Path, complain, joined, leads_out
from octo.connectors.http_client.settings import METHODS, HeaderName, Method
from octo.core.durations import Duration, OrZero
from octo.core.expressions import Expr
from octo.core.settings import Advanced, Effect, Settings, Short
from octo.core.state import State

Joined = AfterValidator(joined)
BodyType = Literal["auto", "raw", "form", "multipart"]


def _status(value: object) -> object:
    text = str(value).lower() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[2-5](xx|[0-9]{2})", text):
        raise complain("write a status from 200 to 599, or a class of them such as `4xx`")
    return text


Status = Annotated[str, BeforeValidator(_status), WithJsonSchema({"type": ["integer", "string"]})]
"""A status, or a class of them: `201`, `4xx`."""


class Sent(Settings):
    """What a request has besides its address."""

    body: Expr[object] | None = None
    """What to send: a text as it is, in the charset of the `Content-Type` header; bytes; a raw `body` with its own
    type; anything else as JSON. Without a `Content-Type` under `headers`, a text is sent as `application/json` too."""
    body_type: BodyType = "auto"
    """How to send it. `auto`: as above. `raw`: a text, bytes or raw content as it is, wherever it comes from. `form`: a
    map as a web form sends it. `multipart`: a map of parts, also files: see docs/http-client.md."""
    auth: Annotated[Annotated[Expr[object], Joined] | None, Advanced] = None
    """The whole value of the `Authorization` header, e.g. `"Bearer " + vars.token`, for credentials that differ from
    message to message. Null or empty sends none. Only with a connector that has no `auth` of its own."""
    timeout: Annotated[Duration | None, OrZero, Advanced] = None
    """How long one attempt may take, instead of the connector's `timeout`."""


class Received(Settings):
    """What becomes of an answer."""

    fail_on_error: bool = True
    """Whether an answer of 400 or above is an error. If not, it is an ordinary result."""
    expect: list[Status] = Field(default_factory=list)
    """Instead of `failOnError`: the statuses that are an ordinary result, such as `[200, 404]` or `[2xx]`. Any other is
    an error."""
    status_var: Annotated[str, Advanced] = Field(default="statusCode", min_length=1)
    """Variable for the answer's status. It is set before a failure too, so that the error path can read it."""
    headers_var: str | None = Field(default=None, min_length=1)
    """Variable for the answer's headers: a map of names in lower case to texts; of `set-cookie` to a list. Set before a
    failure too."""
    url_var: Annotated[str | None, Advanced] = Field(default=None, min_length=1)
    """Variable for the address that answered, after redirects. Set before a failure too."""
    download: bool = False
    """Whether the answer becomes raw content, whatever its type, and a large one a file instead of memory. Then it may
    have 1 GiB, unless the connector or the block has a `maxResponseBytes`; a longer `timeout` is advisable."""
    max_response_bytes: Annotated[int | None, Advanced] = Field(default=None, ge=0)
    """An answer may have at most this many bytes, instead of the connector's `maxResponseBytes`."""

    @model_validator(mode="after")
    def _one_judge(self) -> Received:
        if self.expect and "fail_on_error" in self.model_fields_set:
            raise complain("`expect` says which answers are errors; remove `failOnError`")
        return self

    def accepts(self, status: int) -> bool:
        """Whether an answer with this status is an ordinary result."""
        if not self.expect:
            return status < 400 or not self.fail_on_error
        return str(status) in self.expect or f"{status // 100}xx" in self.expect

    def after(self, before: State) -> State:
        """What is known of a message after the answer."""
        state = before.with_body()
        for name in (self.status_var, self.headers_var, self.url_var):
            if name is not None:
                state = state.without_var(name)
        return state


class Addressed(Settings):
    """Where a request goes."""

    method: Method = "GET"
    """The HTTP method."""
    path: Annotated[Path, WithJsonSchema({"type": "string"})] = Field(
        default="", validate_default=True, examples=["/users/{vars.id}"]
    )
    """Path below the connector's `baseURL`, joined with exactly one slash. May have a query. A placeholder holds an
    expression, whose value becomes one segment: `/users/{vars.id}`. What has quotes outside of braces and no slash
    before them is an expression of the whole path: `"/users/" + vars.id`."""
    query: dict[str, Annotated[Expr[object], Joined]] = Field(default_factory=dict)
    """Query parameters, e.g. `id: vars.id`; encoded as needed. A list gives the parameter once for each item, an
    optional without a value (`body.?page`) leaves it out. Other values that are not text are sent as compact JSON."""
    headers: dict[HeaderName, Annotated[Expr[str], Joined]] = Field(default_factory=dict)
    """Request headers, e.g. `X-Tenant: vars.tenant`; they win over the connector's."""


class Rest(Received, Sent, Addressed):
    """One request, or one for each page."""

    follow: Annotated[Follow | None, Short("link")] = None
    """How to go on to the next page, until the last: `follow: link` if the server names it in the header `Link`."""

    @model_validator(mode="after")
    def _one_of_each(self) -> Rest:
        names = {name.lower() for name in self.headers}
        if self.auth is not None and "authorization" in names:
            raise complain("`auth` is the Authorization header: write one of them")
        if self.body_type == "multipart" and "content-type" in names:
            raise complain("the Content-Type of `multipart` has the boundary that Octo chooses: remove it")
        if self.follow is not None and self.download:
            raise complain("`download` is for one answer, `follow` for several: remove one of them")
        if self.body_type != "auto" and self.body is None:
            raise complain(f"`bodyType: {self.body_type}` says how to send a `body`, which is missing")
        return self

    @property
    def effect(self) -> Effect:
        """The effect of the method (RFC 9110, 9.2). With an `Idempotency-Key` any request can be repeated."""
        if self.method in ("GET", "HEAD", "OPTIONS"):
            return "safe"
        keyed = any(name.lower() == "idempotency-key" for name in self.headers)
        return "idempotent" if keyed or self.method in ("PUT", "DELETE") else "once"

    def wording(self, path: tuple[str | int, ...]) -> str | None:
        if path[0] == "path":
            return "rest path"
        kind = {"query": "query", "headers": "header"}.get(str(path[0]))
        return kind and f'rest {kind} "{path[1]}"'

    def shape_after(self, before: State) -> State:
        for each in (*self.path, *self.query.values(), *self.headers.values(), self.body, self.auth):
            if not isinstance(each, str):
                before.of(each)
        after = self.after(before)
        return after if self.follow is None else self.follow.after(after, before)


class Chosen(Settings):
    """Where a request goes, as its message says."""

    method: Expr[str]
    """The HTTP method, e.g. `vars.method`."""
    path: Expr[object]
    """Path below the connector's `baseURL`, e.g. `"/users/" + vars.id`. May have a query."""
    query: Expr[object] | None = None
    """Query parameters as one map, e.g. `vars.query`. A list gives the parameter once for each item."""
    headers: Expr[object] | None = None
    """Request headers as one map. `Authorization` is refused, use `auth` or that of the connector; so is `Host`, and
    what the connector has under `headers`, such as a key, but for those such as `Accept`."""
    allow_methods: list[Method] = Field(default_factory=lambda: list(METHODS), min_length=1)
    """The methods that a message may choose."""
    path_prefix: str = ""
    """Every path must be this one or below it: `/users` allows `/users` and `/users/7`, but not `/users2`."""

    @field_validator("path_prefix")
    @classmethod
    def _is_a_path(cls, prefix: str) -> str:
        if prefix and (not prefix.startswith("/") or "?" in prefix or leads_out(prefix)):
            raise complain("a prefix is a path such as `/users`")
        return prefix


class RestDynamic(Received, Sent, Chosen):
    """One request, whose message chooses the method and the address."""

    @property
    def effect(self) -> Effect:
        """That of the most harmful method that a message may choose."""
        allowed = set(self.allow_methods)
        if allowed <= {"GET", "HEAD", "OPTIONS"}:
            return "safe"
        return "once" if allowed & {"POST", "PATCH"} else "idempotent"

    def shape_after(self, before: State) -> State:
        for each in (self.method, self.path, self.query, self.headers, self.body, self.auth):
            before.of(each)
        return self.after(before)
