"""The settings of the sources of an `http` connector: routes, and static files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from octo.connectors.http.fields import (
    CookieName,
    Folder,
    HeaderName,
    HeaderValue,
    Line,
    Method,
    OptionalHeader,
    SettableHeader,
    complain,
)
from octo.connectors.http.patterns import BadPattern, Pattern
from octo.connectors.http.settings import Auth, Server
from octo.core.durations import Duration, OrZero
from octo.core.expressions import Expr
from octo.core.settings import Advanced, Settings

_ELSEWHERE = re.compile(r":(\w+[?*+]?)|<(?:\w+:)?(\w+)>|\*+")
"""A segment that is a parameter in the paths of other servers, and a text in ours."""


class Variables(Settings):
    """Variables that every request sets; no path parameter may have their names."""

    method: str
    """The request's method, e.g. `POST`."""
    query: dict[str, str]
    """The query's parameters; of a parameter that is given several times, the first value."""
    query_all: dict[str, list[str]]
    """Every value of each parameter of the query, in their order: `vars.queryAll.tag` is `["a", "b"]` for
    `?tag=a&tag=b`."""


RESERVED = tuple(field.alias or name for name, field in Variables.model_fields.items())
HEADERS_ALL = "headersAll"


class Cookie(Settings):
    """A cookie to set. By default only the host that set it gets it back, and no script of a page sees it."""

    value: Expr[object]
    """Its value, evaluated when the flow has completed: a number, a boolean, or a text of visible ASCII characters but
    for quotes, commas, semicolons and backslashes. Null sets no cookie; an empty text deletes it."""
    max_age: Annotated[Duration, OrZero] = timedelta()
    """How long the browser keeps it. 0, the default: until it is closed."""
    path: str = Field(default="/", pattern=r"^/[!-:<-~]*$")
    """It is sent with requests for this path and below."""
    domain: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.-]+$")
    """It is sent to this domain and all below it. Default: only to the host that set it."""
    secure: bool = True
    """Whether it is sent over https only. Browsers make an exception for `localhost`."""
    http_only: bool = True
    """Whether scripts of pages cannot read it."""
    same_site: Literal["Strict", "Lax", "None"] = "Lax"
    """When other sites' pages send it: never, when the user follows a link, or always."""

    @model_validator(mode="after")
    def _is_accepted(self) -> Cookie:
        if self.same_site == "None" and not self.secure:
            raise complain("browsers refuse a cookie with `sameSite: None` and without `secure`")
        return self


class Sse(Settings):
    """Server-sent events: the response becomes a stream with the first event that a flow sends to it."""

    enabled: bool = False
    """Whether requests of this route may be answered by a stream."""
    stream_var: str = Field(default="sseStream", min_length=1)
    """Variable for the address of the stream, `<connector>:<id>`. It is copied into called flows, and may be passed on
    in any other way; it means something in this process only."""
    final_event: bool = False
    """Send the body that the flow returns as a last event."""
    final_event_name: Line = ""
    """Name of that event. Empty: none, which browsers call `message`."""
    close_on_complete: bool = True
    """Close the stream when the flow that took the request has ended. Otherwise flows that it called one-way, or any
    that knows the address, may go on to write, until one closes it."""
    heartbeat: Annotated[Duration, OrZero, Advanced] = timedelta(seconds=15)
    """Send a comment after so long without an event, so that no proxy takes the connection for dead. It cannot be
    switched off: 0 means the default."""
    max_duration: Annotated[Duration, OrZero] = timedelta()
    """Close a stream so long after its first event. Browsers connect again. 0, the default: no limit."""
    max_streams: int = Field(default=0, ge=0)
    """At most so many requests of this route may be open at once; one more gets 503. 0, the default: no limit but that
    of the connector."""


class Route(Settings):
    """Requests for one path become messages; the outcome of the flow becomes the response.

    Guarantee: at most once. The caller learns the outcome and decides whether to repeat.
    """

    path: str = Field(examples=["/orders/{id}"])
    """Path below the connector's `basePath`. `{id}` matches one segment, `{rest...}` at the end all that follow; each
    becomes a variable. A trailing `/` serves everything below it, `{$}` at the end exactly that path. Of several
    routes that match, the most specific serves."""
    methods: list[Method] | None = Field(default=None, min_length=1)
    """Methods to serve; GET includes HEAD. Other methods get 405, and the flow does not run. Default: all methods."""
    headers: list[HeaderName] = Field(default_factory=list)
    """Request headers to copy into variables of the same name, as written here: the first value, "" if there is none.
    `vars.headersAll` then has every value of each of them, as lists under the same names: also of headers that were
    sent several times, e.g. `X-Forwarded-For`. Values are text: UTF-8, else Latin-1."""
    correlation_id_header: Annotated[OptionalHeader | None, Advanced] = "X-Correlation-Id"
    """Request header with the message's correlation id: at most 128 printable ASCII characters. A request without one,
    or with another value, gets a fresh id. Every response has the id in the same header, and `rest` sends it on. Empty
    switches all of this off; the correlation id is then ""."""
    auth: Auth | None = None
    """Who may send requests to this path. Default: the connector's `auth`."""
    timeout: Annotated[Duration | None, OrZero] = None
    """How long a request of this route may take; default: the connector's `requestTimeout`."""
    max_body_bytes: Annotated[int, Advanced] = Field(default=1_048_576, ge=0)
    """A request body may have at most this many bytes; a larger one is refused with 413 and not read to its end.
    Default: 1 MiB."""
    raw_body_var: Annotated[str | None, Advanced] = Field(default=None, min_length=1)
    """Variable for the body exactly as it was sent, besides the parsed one; signatures (HMAC) are computed over it. It
    is text if it is UTF-8, else bytes."""
    raw_body: bool = False
    """Take the body as it is instead of parsing JSON: `body` is then `{contentType, rawData}`. `rawData` is text if the
    content type is one of text and the bytes are text in its charset, else bytes, and "" if the body is empty. More
    than 1 MiB is kept in a file. A compressed body stays compressed; without `rawBody` it is refused with 415."""
    validate_: Annotated[bool, Field(alias="validate")] = True
    """Check the body against the `input:` of the flow, if it declares one: a body that does not fit is answered with
    422, which says where and why, and the flow does not run. A request without a body is not checked if its method
    needs none (GET, HEAD, DELETE, OPTIONS, TRACE), nor is a raw body."""
    unique_keys: Annotated[bool, Advanced] = False
    """Refuse a body with 400 if an object in it has the same key twice. By default the last one counts, as in most
    languages. Switch it on if another system checks the same body and could take the first; it costs a second parse."""
    cookies: list[CookieName] = Field(default_factory=list)
    """Cookies of the request to copy into variables of the same name, as they were sent: of several the first, "" if
    there is none."""
    set_cookies: dict[CookieName, Cookie] = Field(default_factory=dict)
    """Cookies to set with the response, by name, e.g. `session: {value: vars.token, maxAge: 8h}`."""
    response_headers: list[SettableHeader] | dict[SettableHeader, Expr[object]] = Field(default_factory=list)
    """Response headers: each name with the expression of its value, e.g. `Location: '"/orders/" + body.id'`, or a list
    of variables of the same name. Values are texts, numbers, booleans and times; a list sends the header once for each
    item. What is absent, null, a map or has a line break is left out."""
    sse: Sse = Field(default_factory=Sse)
    """Answer with server-sent events. `timeout` then bounds the wait for the first one, and later how long the client
    may take nothing while one waits."""

    @field_validator("path")
    @classmethod
    def _pattern(cls, path: str) -> str:
        try:
            names = Pattern.parse(path).names
        except BadPattern as error:
            raise complain(str(error)) from None
        for reserved in RESERVED:
            if reserved in names:
                raise complain(f"a path parameter cannot be called `{reserved}`: every request sets that variable")
        return path

    @model_validator(mode="after")
    def _one_meaning(self) -> Route:
        """Refuse a variable with two origins: no rule says which one wins."""
        seen = dict.fromkeys(RESERVED, "the request itself")
        for name, origin in _variables(self):
            if seen.get(name, origin) != origin:
                raise complain(f"the variable `{name}` would be set both by {seen[name]} and by {origin}")
            seen[name] = origin
        return self

    @field_validator("set_cookies")
    @classmethod
    def _keep_the_promise_of_their_name(cls, cookies: dict[str, Cookie]) -> dict[str, Cookie]:
        for name, cookie in cookies.items():
            if name.startswith(("__Secure-", "__Host-")) and not cookie.secure:
                raise complain(f"browsers refuse the cookie {name} without `secure`")
            if name.startswith("__Host-") and (cookie.domain is not None or cookie.path != "/"):
                raise complain(f"browsers refuse the cookie {name} with a `domain` or another `path` than `/`")
        return cookies

    def served(self, connector: Server) -> Iterator[tuple[str, str]]:
        path = Pattern.parse(self.path, connector.base_path).text
        return ((method, path) for method in self.methods or ("*",))

    def advice(self) -> Iterator[tuple[str, str, str]]:
        for segment in self.path.split("/"):
            if found := _ELSEWHERE.fullmatch(segment):
                name = (found[1] or found[2] or "").rstrip("?*+")
                hint = f"a parameter is `{{{name}}}`" if name else "`{rest...}` takes all segments that follow"
                yield "path", f"`{segment}` in a path is taken as it is written", hint

    def variables(self) -> dict[str, Any]:
        """Return the variables of path parameters and headers, which are texts, and that of the body as it was sent."""
        kinds = {self.raw_body_var: object, HEADERS_ALL: dict[str, list[str]]}
        return {name: kinds.get(name, str) for name, _ in _variables(self)}


class Static(Settings):
    """Files of a folder. The flow runs for each one that is asked for: if it drops the message, the answer is 404, and
    if it sets `vars.httpStatus`, the answer is its own.

    Guarantee: at most once. GET and HEAD, entity tags, conditional requests, and single ranges.
    """

    path: str = "/"
    """Path below the connector's `basePath`; the files are below it. Other sources with a more specific path win."""
    folder: Folder
    """The folder with the files, relative to the configuration, and inside its folder, but not that itself.
    `index.html` is sent for a folder in it. Names that begin with a dot (but `.well-known`), links that lead out of it,
    and what is no regular file are not there for anybody."""
    fallback: str | None = Field(default=None, pattern=r"^[^/.][^\x00]*$")
    """File to send with 200 where there is none and the client accepts HTML, e.g. `index.html`: for applications that
    draw their pages in the browser."""
    cache_control: HeaderValue = "no-cache"
    """`Cache-Control` of the answers. The default lets a browser keep a file, but ask each time whether it is still the
    same. Write e.g. `public, max-age=31536000, immutable` for files whose names change with their content; empty sends
    none."""
    zipped: Annotated[bool, Advanced] = False
    """Whether to send `app.js.gz`, if it is there, for `app.js` to clients that take gzip."""
    auth: Auth | None = None
    """Who may see the files. Default: the connector's `auth`."""
    timeout: Annotated[Duration | None, OrZero, Advanced] = None
    """How long the flow may take; default: the connector's `requestTimeout`. Sending the file may take longer."""

    @field_validator("path")
    @classmethod
    def _below(cls, path: str) -> str:
        try:
            names = Pattern.parse(path).names
        except BadPattern as error:
            raise complain(str(error)) from None
        if names or "{" in path:
            raise complain("the path of static files has no {parameters}")
        return path if path.endswith("/") else f"{path}/"

    @property
    def route(self) -> Route:
        """The route of the files."""
        return Route(path=f"{self.path}{{path...}}", methods=["GET", "HEAD"], auth=self.auth, timeout=self.timeout)

    def served(self, connector: Server) -> Iterator[tuple[str, str]]:
        return self.route.served(connector)


def _variables(route: Route) -> Iterable[tuple[str, str]]:
    yield from ((name, "the path") for name in Pattern.parse(route.path).names)
    yield from ((name, "`headers`") for name in route.headers)
    yield from ((name, "`cookies`") for name in route.cookies)
    if route.headers:
        yield HEADERS_ALL, "all `headers`"
    if route.raw_body_var:
        yield route.raw_body_var, "`rawBodyVar`"
    if route.auth is not None and route.auth.type != "none":
        yield route.auth.user_var, "`auth`"
    if route.sse.enabled:
        yield route.sse.stream_var, "`sse`"
