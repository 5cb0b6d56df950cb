"""The settings of an `http` connector and of the sources on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from octo.connectors.http.patterns import BadPattern, Pattern
from octo.core.durations import Duration, OrZero, parse_duration
from octo.core.expressions import Expr, build_of, inside
from octo.core.settings import Advanced, Secret, Settings
from octo.expr import nearest

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = ("content-length", "transfer-encoding", "connection", "content-type")
"""Headers that only the connector may write: another value would break the framing or contradict the body."""


def complain(text: str) -> PydanticCustomError:
    return PydanticCustomError("http", "{text}", {"text": text})


def _header(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise complain(f"{name!r} is not a header name")
    return name


def _cookie(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise complain(f"{name!r} is not a cookie name")
    return name


def _settable(name: str) -> str:
    if name.lower() in _OURS:
        raise complain(f"the header {name} is written by the connector itself")
    return _header(name)


def _value(value: str) -> str:
    if _CONTROL.search(value):
        raise complain("a header value is one line without control characters")
    return value


def _method(name: str) -> str:
    if name.upper() not in METHODS:
        near = nearest(name.upper(), METHODS)
        raise complain(f"{name!r} is not a method{f'; did you mean {near}?' if near else ''}")
    return name.upper()


HeaderName = Annotated[str, AfterValidator(_header)]
OptionalHeader = Annotated[str, AfterValidator(lambda name: _header(name) if name else name)]
SettableHeader = Annotated[str, AfterValidator(_settable)]
HeaderValue = Annotated[str, AfterValidator(_value)]


def _folder(folder: str, info: ValidationInfo) -> Path:
    try:
        found = inside(folder, info)
    except ValueError as error:
        raise complain(str(error)) from None
    root = build_of(info).root
    if root is not None and found == root.resolve():
        raise complain(
            "this is the folder of the configuration: flow files and what else is there would be served; put "
            "the files into a folder of their own, e.g. `public`"
        )
    return found


Folder = Annotated[Path, BeforeValidator(_folder)]
CookieName = Annotated[str, AfterValidator(_cookie)]
Method = Annotated[str, AfterValidator(_method)]


def _page(value: object) -> object:
    if isinstance(value, bool):
        raise complain("this is the path of a page, e.g. `/openapi.json` or `/docs`; without it there is none")
    return value


PagePath = Annotated[str, BeforeValidator(_page), Field(pattern=r"^(/[!-z|~]*)?$")]
"""A path without parameters, or ""."""
Line = Annotated[str, Field(pattern=r"^[^\r\n\x00]*$")]
"""A text of one line, e.g. the name of an event."""


_ELSEWHERE = re.compile(r":(\w+[?*+]?)|<(?:\w+:)?(\w+)>|\*+")
"""A segment that is a parameter in the paths of other servers, and a text in ours."""


class Cors(Settings):
    """Which pages of other origins may use the routes from a browser."""

    allowed_origins: list[str]
    """Origins as browsers send them, e.g. `https://shop.example`, or the single entry `*` for all of them."""
    allowed_methods: list[Method] = Field(
        default=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"], min_length=1
    )
    """Methods that a page may use. A method that the route does not serve is still refused with 405."""
    allowed_headers: list[HeaderName] = Field(default_factory=list)
    """Request headers that a page may send. Empty allows all that the browser asks for."""
    exposed_headers: list[HeaderName] = Field(default_factory=list)
    """Response headers that a page may read, besides the few that it always may."""
    allow_credentials: bool = False
    """Whether a page may send cookies and authorization. List the origins then: with `*` every site may act as the
    logged-in user, because the response names the caller's own origin, as browsers refuse a star with credentials."""
    max_age: Annotated[int | None, Advanced] = Field(default=None, ge=0)
    """Seconds for which a browser may cache the response to a preflight, or a duration such as `10m`; browsers' own
    default is 5."""

    @field_validator("max_age", mode="before")
    @classmethod
    def _seconds(cls, age: object) -> object:
        span = parse_duration(age) if isinstance(age, str) and not age.strip().isdecimal() else age
        return int(span.total_seconds()) if isinstance(span, timedelta) else span

    @field_validator("allowed_origins")
    @classmethod
    def _one_star(cls, origins: list[str]) -> list[str]:
        if "*" in origins and len(origins) > 1:
            raise complain("`*` allows every origin; write it alone or not at all")
        return origins


class Tls(Settings):
    """Certificate and key of an https listener."""

    cert: Path
    """PEM file with the certificate, followed by its chain without the root."""
    key: Path
    """PEM file with the certificate's private key, unencrypted."""


_AUTH = {
    "none": (),
    "basic": ("username", "password", "users", "realm"),
    "apiKey": ("header", "query", "cookie", "keys", "realm"),
}
_PLACES = ("header", "query", "cookie")


class Auth(Settings):
    """Who may send requests. One without valid credentials gets 401; its body is not read, and no flow runs."""

    type: Literal["none", "basic", "apiKey"]
    """`basic`: user names and passwords (HTTP Basic). `apiKey`: a key in a header, in the query or in a cookie. `none`:
    everybody, e.g. for one source of a connector that asks for credentials."""
    username: str | None = Field(default=None, min_length=1)
    """`basic`: the name of the only user, with `password`."""
    password: Secret | None = None
    """`basic`: the password of `username`, e.g. `${PASSWORD}`."""
    users: dict[str, Secret] = Field(default_factory=dict)
    """`basic`: several users, each name with its password."""
    header: HeaderName | None = None
    """`apiKey`: the header with the key. Default, if neither `query` nor `cookie` is set: `X-API-Key`. In the header
    `Authorization` the key may follow the word `Bearer`."""
    query: str | None = Field(default=None, min_length=1)
    """`apiKey`: the query parameter with the key; it is left out of `vars.query` and `vars.queryAll`. Addresses end up
    in logs of proxies and browsers: prefer a header."""
    cookie: CookieName | None = None
    """`apiKey`: the cookie with the key."""
    keys: dict[str, Secret] | list[Secret] = Field(default_factory=list)
    """`apiKey`: the keys that are valid. With names (`billing: ${BILLING_KEY}`) the flow knows who calls, and a new key
    can be valid beside the old one until every caller has it."""
    realm: Annotated[str, Advanced] = Field(default="octo", pattern=r"^[ !#-\[\]-~]+$")
    """What the credentials are for: browsers show it to the user."""
    user_var: Annotated[str, Advanced] = Field(default="user", min_length=1)
    """Variable for the name of the user, or of the key; a key without a name is called `1`, `2` and so on."""

    @model_validator(mode="after")
    def _is_whole(self) -> Auth:
        for name in type(self).model_fields:
            if name in self.model_fields_set and name not in ("type", "user_var", *_AUTH[self.type]):
                raise complain(f"`{name}` does not belong to type {self.type!r}")
        if (self.username is None) is not (self.password is None):
            raise complain("`username` and `password` belong together")
        if sum(getattr(self, each) is not None for each in _PLACES) > 1:
            raise complain("a key has one place: write `header`, `query` or `cookie`")
        if self.type != "none" and not self.secrets:
            raise complain("`basic` needs `users`" if self.type == "basic" else "`apiKey` needs `keys`")
        for name, secret in self.secrets.items():
            if not secret:  # as an environment variable that is not set would leave it
                raise complain(f"the secret of {name!r} is empty")
            if self.type == "basic" and (":" in name or _CONTROL.search(name)):
                raise complain(f"the user name {name!r} has a colon or a control character")
        if len({*self.secrets.values()}) < len(self.secrets) and self.type == "apiKey":
            raise complain("two keys are the same")
        return self

    @property
    def secrets(self) -> dict[str, str]:
        """Each user with its password, or each name with its key."""
        if isinstance(self.keys, list):
            given = {str(number): each for number, each in enumerate(self.keys, 1)}
        else:
            given = dict(self.keys)
        given |= self.users
        if self.username is not None and self.password is not None:
            given[self.username] = self.password
        return {name: each.get_secret_value() for name, each in given.items()}


class Server(Settings):
    """One listener: its address, its limits, and the settings of all its routes."""

    host: str = ""
    """Address to listen at. Empty: the environment variable HTTP_HOST, else `0.0.0.0`, all IPv4 interfaces."""
    port: int | None = Field(default=None, ge=0, le=65535)
    """TCP port; 0 takes a free one. Default: the environment variable HTTP_PORT, else 8080."""
    base_path: str = ""
    """Path that every route's path is appended to, e.g. `/api`."""
    keep_alive: Annotated[bool, Advanced] = True
    """Whether a connection may carry several requests. If not, each request needs a new connection."""
    request_timeout: Annotated[Duration, OrZero] = timedelta(seconds=30)
    """How long a request may take altogether: the arrival of its body, waiting for a free worker, and the flow. After
    that the flow is cancelled and the caller gets 504. A source's own `timeout` wins. 0 means the default."""
    read_timeout: Annotated[Duration, OrZero, Advanced] = timedelta()
    """How long a client may take to send the headers of a request, and again its body. 0, the default: 10 s for the
    headers, the request's timeout for the body."""
    write_timeout: Annotated[Duration, OrZero, Advanced] = timedelta()
    """How long sent bytes may wait for the client to take them before its connection is closed (Linux). 0, the
    default: 15 minutes."""
    idle_timeout: Annotated[Duration, OrZero, Advanced] = timedelta()
    """How long a kept connection may wait for its next request, until that request's headers are complete: the server
    has one timer for both. 0, the default: as `readTimeout`, else 10 s. Behind a load balancer set it above the
    balancer's idle timeout (often 60 s), or the balancer sometimes uses a connection that was just closed."""
    cors: Cors | None = None
    """Lets browsers call the routes from pages of other origins. Off by default."""
    auth: Auth | None = None
    """Who may send requests to the routes; a source's own `auth` wins. Default: everybody. Preflights of browsers pass
    without credentials, as they never have any."""
    tls: Tls | None = None
    """Serve https, with TLS 1.2 or 1.3."""
    max_header_bytes: Annotated[int, Advanced] = Field(default=65536, ge=8192)
    """A request's headers may have at most this many bytes together; more is refused with 431. Each connection may
    buffer that much: 64 KiB is ample for cookies and tokens, and little for a thousand hostile connections."""
    max_concurrent_requests: Annotated[int, Advanced] = Field(default=1024, ge=1)
    """At most this many requests may be under way at once. A further one is refused at once with 503 and
    `Retry-After: 1`: a quick refusal costs the caller less than a long wait. A quarter is in reserve: each route is
    sure of an equal part of it, so routes that hang leave room for the others. As many more may send their body; of
    these the slowest gives way to a new one, with 408."""
    response_headers: dict[SettableHeader, HeaderValue | list[HeaderValue]] = Field(default_factory=dict)
    """Headers of every response, e.g. `Strict-Transport-Security: max-age=31536000`. A list sends the header once for
    each item."""

    openapi: PagePath = ""
    """Path at which the OpenAPI document of all routes is served, e.g. `/openapi.json`. Empty, the default: it is not.
    Who may see it is decided by the connector's `auth`."""
    docs: PagePath = ""
    """Path of a page that shows it, e.g. `/docs`: without scripts, and without anything from elsewhere. Empty, the
    default: there is none."""
    api_version: Annotated[str, Advanced] = Field(default="1.0.0", min_length=1)
    """The version of the API, as the document says it."""

    @model_validator(mode="after")
    def _two_pages(self) -> Server:
        if self.openapi and self.openapi == self.docs:
            raise complain("`openapi` and `docs` are two pages: give each a path of its own")
        return self

    @field_validator("base_path")
    @classmethod
    def _slashes(cls, path: str) -> str:
        path = "/" + path.strip("/") if path.strip("/") else ""
        if re.search(r"[{}?#\s]", path):
            raise complain("a base path is plain text: no {parameters}, no query, no spaces")
        return path


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
